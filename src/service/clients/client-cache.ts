import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { ClientSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds } from "../../time.ts";
import { addressPrefix } from "../throttle/call-limits.ts";
import { digestMatches } from "./client-secret.ts";

/** Most cached pairs of client and address; drops the least recently used. Each takes half a kilobyte. */
const MAX_CACHED = 10_000;

/** Shortest time between two reads of the secrets of a pair, to accept a rotated one. */
const REFRESH_AFTER_MS: Milliseconds = 1000;

type Cached = { secrets: readonly ClientSecret[]; readAt: Milliseconds; reading: Promise<void> };

/** The cache key of a client at an address. Calls without an address share one. */
export function pairOf({ clientId, address = "" }: { clientId: string; address?: string | undefined }): string {
  return `${clientId} ${addressPrefix(address)}`;
}

/** Caches clients that have authenticated, by address, with the hashes of their secrets as last read. */
export type ClientCache = {
  /** Whether the digest matches a cached valid secret of the pair. */
  matches(pair: string, digest: Buffer): boolean;
  add(pair: string, secrets: readonly ClientSecret[]): void;
  /** Updates a cached pair; without secrets (the client was removed), deletes it. */
  update(pair: string, secrets: readonly ClientSecret[] | undefined): void;
  /** Reads the secrets of a cached pair again, at most once a second. Ignores an outage of the store. */
  refresh(pair: string, clientId: string): Promise<void>;
};

export type ClientCacheOptions = { store: Pick<Store, "findClient">; clock: Clock };

export function createClientCache({ store, clock }: ClientCacheOptions): ClientCache {
  const cached = new Map<string, Cached>();

  function update(pair: string, secrets: readonly ClientSecret[] | undefined): void {
    const entry = cached.get(pair);
    if (secrets === undefined) cached.delete(pair);
    else if (entry !== undefined) entry.secrets = secrets;
  }

  return {
    matches: (pair, digest) => digestMatches(digest, cached.get(pair)?.secrets ?? [], clock()),
    add(pair, secrets) {
      const before = cached.get(pair);
      // A map iterates in insertion order: the first entry is the least recently used.
      if (before !== undefined) cached.delete(pair);
      else if (cached.size >= MAX_CACHED) cached.delete(cached.keys().next().value ?? "");
      const { readAt = Number.NEGATIVE_INFINITY, reading = Promise.resolve() } = before ?? {};
      cached.set(pair, { secrets, readAt, reading });
    },
    update,
    async refresh(pair, clientId) {
      const entry = cached.get(pair);
      if (entry === undefined) return;
      if (performance.now() - entry.readAt >= REFRESH_AFTER_MS) {
        entry.readAt = performance.now();
        entry.reading = withTimeout(store.findClient(clientId)).then(
          (client) => update(pair, client?.secrets),
          (error: unknown) => {
            if (!(error instanceof MintmarkError)) throw error;
          },
        );
      }
      await entry.reading;
    },
  };
}
