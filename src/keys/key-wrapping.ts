import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

/** A key that encrypts private keys at rest: 32 bytes. */
export type KeyEncryptionKey = Uint8Array;

/** Stored. */
const PREFIX = "sealed";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts a private key with AES-256-GCM. Bound to its `kid`: two exchanged rows do not decrypt. */
export function wrap(text: string, kid: string, kek: KeyEncryptionKey): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", kek, nonce).setAAD(Buffer.from(kid));
  const wrapped = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [PREFIX, fingerprint(kek), wrapped.toString("base64url")].join(".");
}

type Unwrapped =
  | { outcome: "unwrapped"; text: string }
  | { outcome: "damaged" | "other-kek" | "kek-missing" | "not-encrypted" };

/** Decrypts an encrypted private key. Without a key-encryption key, returns an unencrypted one as it is. */
export function unwrap(stored: string, kid: string, kek: KeyEncryptionKey | undefined): Unwrapped {
  const kekFingerprint = kekFingerprintOf(stored);
  if (kekFingerprint === "")
    return kek === undefined ? { outcome: "unwrapped", text: stored } : { outcome: "not-encrypted" };
  if (kek === undefined) return { outcome: "kek-missing" };
  if (kekFingerprint !== fingerprint(kek)) return { outcome: "other-kek" };
  const body = stored.slice(`${PREFIX}.${kekFingerprint}.`.length);
  const bytes = Buffer.from(body, "base64url");
  // Only the canonical spelling: the same bytes have several in base64url.
  if (bytes.toString("base64url") !== body) return { outcome: "damaged" };
  try {
    return { outcome: "unwrapped", text: decrypt(bytes, kid, kek) };
  } catch {
    return { outcome: "damaged" };
  }
}

/** The fingerprint of the key-encryption key of a private key; empty if it is not encrypted. */
export function kekFingerprintOf(stored: string): string {
  const [prefix, kekFingerprint = ""] = stored.split(".");
  return prefix === PREFIX ? kekFingerprint : "";
}

function decrypt(bytes: Buffer, kid: string, kek: KeyEncryptionKey): string {
  const decipher = createDecipheriv("aes-256-gcm", kek, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(kid))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
}

/** Distinguishes key-encryption keys, and discloses nothing else. */
function fingerprint(kek: KeyEncryptionKey): string {
  return createHmac("sha256", kek).update("mintmark kek").digest("base64url").slice(0, 11);
}
