import { createHash } from "node:crypto";
import { isSameSecret } from "./secrets.ts";

const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text can be a code challenge by `S256`: 256 bits in base64url (RFC 7636 §4.2). */
export function isChallenge(text: string): boolean {
  return CHALLENGE.test(text);
}

/** Whether a code verifier belongs to a challenge by `S256` (RFC 7636 §4.6). `plain` does not exist here. */
export function isVerifierOf(challenge: string, verifier: string): boolean {
  if (!VERIFIER.test(verifier)) return false;
  return isSameSecret(createHash("sha256").update(verifier).digest("base64url"), challenge);
}
