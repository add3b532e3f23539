import { randomFillSync } from "node:crypto";

const SEQUENCE_BYTES = 6;
const RANDOM_BYTES = 12;
const JTI = /^[A-Za-z0-9_-]{24}$/;

/** Random bytes in stock: to ask for many at once takes as long as to ask for a few. */
const stock = new Uint8Array(256 * RANDOM_BYTES);
let used = stock.length;

/**
 * Makes the `jti` of a token: the number of the latest trust event that was there when it was issued,
 * and 96 random bits. `iat` counts whole seconds, which is too coarse to tell whether a token was
 * issued before a revocation or after it; this number is not. Reads the system's random source.
 */
export function createJti(sequence: number): string {
  if (used === stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  const bytes = Buffer.alloc(SEQUENCE_BYTES + RANDOM_BYTES);
  bytes.writeUIntBE(sequence, 0, SEQUENCE_BYTES);
  bytes.set(stock.subarray(used, used + RANDOM_BYTES), SEQUENCE_BYTES);
  used += RANDOM_BYTES;
  return bytes.toString("base64url");
}

/** The number in a `jti`. Of one that was not made here, 0: issued before everything. */
export function sequenceOf(jti: string): number {
  return JTI.test(jti) ? Buffer.from(jti.slice(0, 8), "base64url").readUIntBE(0, SEQUENCE_BYTES) : 0;
}
