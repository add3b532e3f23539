import { expect } from "vitest";
import { StartError } from "../../src/errors.ts";
import { loadKeyPair, type StoredKey } from "../../src/keys/key-pair.ts";
import { failureOf, leaks } from "./refusal.ts";

export type TextJwk = Record<string, string>;

export function readJwk(json: string): TextJwk {
  return JSON.parse(json);
}

/** A stored key with changed members; `undefined` removes one. */
export function damaged(stored: StoredKey, changes: { publicJwk?: object; privateJwk?: object }): StoredKey {
  const publicJwk = JSON.stringify({ ...readJwk(stored.publicJwk), ...changes.publicJwk });
  const privateJwk = JSON.stringify({ ...readJwk(stored.privateJwk), ...changes.privateJwk });
  return { ...stored, publicJwk, privateJwk };
}

/** Bytes in base64url with one flipped bit in byte `at`, from the end if negative. */
export function flipBit(base64url: string, at: number): string {
  const bytes = Buffer.from(base64url, "base64url");
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes.toString("base64url");
}

/** Expects a refusal of a stored key, in one line with a remedy and without any part of the private half. */
export async function expectDamage(stored: StoredKey): Promise<void> {
  const error = await failureOf(loadKeyPair(stored));
  if (!(error instanceof StartError)) throw error;
  expect(error.message).toMatch(/^The signing key( [\w-]{43})? in the database is damaged: restore [^\n]*$/);
  expect(error.cause).toBeUndefined();
  // The kid is public; nothing else may be quoted.
  for (const value of valuesOf(stored.privateJwk).filter((value) => value !== stored.kid)) {
    expect(leaks(error, value)).toEqual([]);
  }
  if (!stored.privateJwk.includes(stored.kid)) expect(leaks(error, stored.privateJwk)).toEqual([]);
}

function valuesOf(json: string): unknown[] {
  try {
    return Object.values(Object(JSON.parse(json)));
  } catch {
    return [];
  }
}
