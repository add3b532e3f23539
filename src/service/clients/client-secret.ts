import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type ClientSecret, hasSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { Caller } from "../access/caller.ts";

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

/**
 * Whether the secret that authenticated a caller is no longer valid: the client was removed, or the secret rotated.
 * `sequence` is that of the latest change; the store is read only if it is higher than at the authentication.
 */
export type EndedSecretCheck = (caller: Caller, sequence: number) => Promise<boolean>;

export type EndedSecretOptions = { store: Pick<Store, "findClient">; clock: Clock };

export function createEndedSecretCheck({ store, clock }: EndedSecretOptions): EndedSecretCheck {
  return async ({ clientId, asOf, secretHash = "" }, sequence) => {
    if (asOf === undefined || asOf >= sequence) return false;
    const client = await store.findClient(clientId);
    return !hasSecret(client?.secrets ?? [], secretHash, clock());
  };
}

/**
 * Watches the secret of a long-lived caller, such as a follower. Each call returns whether the secret has ended, and reads
 * the store only if `clientsSequence` has changed since the last call.
 */
export function watchSecret({ store, clock }: EndedSecretOptions, { clientId, asOf, secretHash }: Caller) {
  let known = -1;
  let endsAt: Seconds | undefined;
  return async (clientsSequence: number): Promise<boolean> => {
    if (asOf === undefined) return false;
    if (clientsSequence !== known) {
      const secrets = (await store.findClient(clientId))?.secrets ?? [];
      const secret = secrets.find(({ hash }) => hash === secretHash);
      known = clientsSequence;
      endsAt = secret === undefined ? 0 : secret.expiresAt;
    }
    return endsAt !== undefined && endsAt <= clock();
  };
}
