import { createHmac, createSecretKey } from "node:crypto";
import type { SigningKey } from "../token/signature.ts";

/** The fewest bytes of a shared secret for HS256 (RFC 7518 §3.2). */
export const MIN_SECRET_BYTES = 32;

export function isLongSecret(secret: string): boolean {
  return Buffer.byteLength(secret) >= MIN_SECRET_BYTES;
}

/** Makes the HS256 key of a shared secret: one key to sign and to verify, the same wherever the secret is. */
export function keyOfSecret(secret: string): SigningKey {
  // A keyed hash as the name: stable, different for each secret, and of no use without it.
  const kid = createHmac("sha256", secret).update("mintmark kid").digest("base64url").slice(0, 22);
  return { kid, alg: "HS256", key: createSecretKey(secret, "utf8") };
}
