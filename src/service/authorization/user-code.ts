import { randomInt } from "node:crypto";

/** Consonants without Y: they spell no words, and none looks like another or like a digit (RFC 8628 §6.1). */
const ALPHABET = "BCDFGHJKLMNPQRSTVWXZ";
const LENGTH = 8;

const USER_CODE = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);

/** Makes a user code in its normal form: one of 20^8 = 25,600,000,000. */
export function createUserCode(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

/** The normal form of an entered user code, whatever its case, spaces and hyphens; `undefined` where it cannot be one. */
export function parseUserCode(entered: string): string | undefined {
  const letters = entered.replace(/[\s\p{Pd}]/gu, "").toUpperCase();
  return USER_CODE.test(letters) ? letters : undefined;
}

/** A user code as people read it: `WDJB-MJHT`. */
export function displayUserCode(userCode: string): string {
  return `${userCode.slice(0, LENGTH / 2)}-${userCode.slice(LENGTH / 2)}`;
}
