import { randomFillSync } from "node:crypto";
import { SEQUENCE_BYTES } from "./jti.ts";

const RANDOM_BYTES = 12;

/** Random bytes in advance: many take as long as a few. */
const pool = new Uint8Array(256 * RANDOM_BYTES);
let used = pool.length;

/**
 * Creates a `jti`: the number of the latest trust event before the issue, and 96 random bits. The number orders the token
 * before or after a revocation, for which the whole seconds of `iat` are too coarse. Reads the system's random source.
 */
export function createJti(sequence: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.alloc(SEQUENCE_BYTES + RANDOM_BYTES);
  bytes.writeUIntBE(sequence, 0, SEQUENCE_BYTES);
  bytes.set(pool.subarray(used, used + RANDOM_BYTES), SEQUENCE_BYTES);
  used += RANDOM_BYTES;
  return bytes.toString("base64url");
}
