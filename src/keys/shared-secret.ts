import { encodeUtf8, nodeCrypto } from "../token/platform.ts";
import type { VerificationKey } from "../token/signature.ts";
import { importSecretByWebCrypto } from "../token/web-crypto.ts";

/** Shortest shared secret for HS256 (RFC 7518 §3.2). */
export const MIN_SECRET_BYTES = 32;

/** The `kid` is the beginning of the HMAC of this text, in base64url. */
export const KID_LABEL = "mintmark kid";
export const KID_LENGTH = 22;

export function isLongSecret(secret: string): boolean {
  return encodeUtf8(secret).length >= MIN_SECRET_BYTES;
}

/** The key that verifies tokens of a shared secret. */
export async function importSecret(secret: string): Promise<VerificationKey> {
  const bytes = encodeUtf8(secret);
  const key = await importSecretByWebCrypto(bytes);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, encodeUtf8(KID_LABEL)));
  const kid = btoa(String.fromCharCode(...mac))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, KID_LENGTH);
  return { kid, alg: "HS256", key: nodeCrypto?.createSecretKey(bytes) ?? key };
}
