import { createHmac, createSecretKey } from "node:crypto";
import type { SigningKey } from "../token/sign.ts";
import { KID_LABEL, KID_LENGTH } from "./shared-secret.ts";

/** The HS256 key of a shared secret: the same key signs and verifies. */
export function keyOfSecret(secret: string): SigningKey {
  // A keyed hash: stable, different for each secret, and it discloses nothing of the secret.
  const kid = createHmac("sha256", secret).update(KID_LABEL).digest("base64url").slice(0, KID_LENGTH);
  return { kid, alg: "HS256", key: createSecretKey(secret, "utf8") };
}
