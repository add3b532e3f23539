import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { ClientSecret } from "../../store/client.ts";
import type { Seconds } from "../../time.ts";

/** Most valid secrets of a client: the latest, and rotated ones within their overlap. */
export const MAX_SECRETS = 4;

/** Creates a secret of 256 random bits. Only its hash is stored; so many bits need no slow hash. */
export function createClientSecret(now: Seconds): { text: string; stored: ClientSecret } {
  const text = randomBytes(32).toString("base64url");
  return { text, stored: storedSecret(text, now) };
}

export function storedSecret(text: string, now: Seconds): ClientSecret {
  return { hash: digestOf(text).toString("base64url"), createdAt: now };
}

/** Whether the digest of a presented secret matches a valid one. Constant time for any number of secrets. */
export function digestMatches(digest: Buffer, secrets: readonly ClientSecret[], now: Seconds): boolean {
  let matches = false;
  for (let at = 0; at < MAX_SECRETS; at += 1) {
    const secret = secrets[at];
    const equal = timingSafeEqual(digest, secret === undefined ? NO_HASH : Buffer.from(secret.hash, "base64url"));
    if (secret !== undefined && equal && isValid(secret, now)) matches = true;
  }
  return matches;
}

export function isValid({ expiresAt }: ClientSecret, now: Seconds): boolean {
  return expiresAt === undefined || now < expiresAt;
}

const NO_HASH = Buffer.alloc(32);

export function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
