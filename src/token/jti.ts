import { randomBytes } from "node:crypto";

const SEQUENCE_BYTES = 6;
const RANDOM_BYTES = 12;
const JTI = /^[A-Za-z0-9_-]{24}$/;

/**
 * Makes the `jti` of a token: the number of the latest trust event that was there when it was issued,
 * and 96 random bits. `iat` counts whole seconds, which is too coarse to tell whether a token was
 * issued before a revocation or after it; this number is not. Reads the system's random source.
 */
export function createJti(sequence: number): string {
  const bytes = Buffer.concat([Buffer.alloc(SEQUENCE_BYTES), randomBytes(RANDOM_BYTES)]);
  bytes.writeUIntBE(sequence, 0, SEQUENCE_BYTES);
  return bytes.toString("base64url");
}

/** The number in a `jti`. Of one that was not made here, 0: issued before everything. */
export function sequenceOf(jti: string): number {
  return JTI.test(jti) ? Buffer.from(jti.slice(0, 8), "base64url").readUIntBE(0, SEQUENCE_BYTES) : 0;
}
