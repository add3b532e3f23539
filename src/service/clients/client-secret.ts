import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { ClientSecret } from "../../store/client.ts";
import type { Seconds } from "../../time.ts";

/** How many secrets of one client count at a time: the latest, and rotated ones that are still accepted. */
export const MAX_SECRETS = 4;

/** Makes a secret of 256 random bits. Its hash is all that is ever kept; no slow hash is needed for so many bits. */
export function createClientSecret(now: Seconds): { text: string; stored: ClientSecret } {
  const text = randomBytes(32).toString("base64url");
  return { text, stored: storedSecret(text, now) };
}

export function storedSecret(text: string, now: Seconds): ClientSecret {
  return { hash: digestOf(text).toString("base64url"), createdAt: now };
}

/** Whether a presented secret, by its digest, is one that counts. Takes the same time for any secrets, also for none. */
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
