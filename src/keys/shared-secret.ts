import { createHmac, createSecretKey } from "node:crypto";
import type { SigningKey } from "../token/signature.ts";

/** Shortest shared secret for HS256 (RFC 7518 §3.2). */
export const MIN_SECRET_BYTES = 32;

export function isLongSecret(secret: string): boolean {
  return Buffer.byteLength(secret) >= MIN_SECRET_BYTES;
}

/** The HS256 key of a shared secret: the same key signs and verifies. */
export function keyOfSecret(secret: string): SigningKey {
  // A keyed hash: stable, different for each secret, and it discloses nothing of the secret.
  const kid = createHmac("sha256", secret).update("mintmark kid").digest("base64url").slice(0, 22);
  return { kid, alg: "HS256", key: createSecretKey(secret, "utf8") };
}
