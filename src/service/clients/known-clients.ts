import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { ClientSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds } from "../../time.ts";
import { digestMatches } from "./client-secret.ts";

/** Most cached pairs of client and address, least recently used first to go. Each takes half a kilobyte. */
const MAX_KNOWN = 10_000;

/** Shortest time between two reads of the secrets of a pair, to recognise a rotated one. */
const REFRESH_AFTER_MS: Milliseconds = 1000;

type Known = { secrets: readonly ClientSecret[]; readAt: Milliseconds; reading: Promise<void> };

/** Caches clients that have authenticated, by address, with the hashes of their secrets as last read. */
export type ClientCache = {
  /** Whether the digest matches a cached valid secret of the pair. */
  recognises(pair: string, digest: Buffer): boolean;
  remember(pair: string, secrets: readonly ClientSecret[]): void;
  /** Updates a cached pair; without secrets (the client was removed), deletes it. */
  correct(pair: string, secrets: readonly ClientSecret[] | undefined): void;
  /** Reads the secrets of a cached pair again, at most once a second. Ignores failures of the store. */
  refresh(pair: string, clientId: string): Promise<void>;
};

export type ClientCacheOptions = { store: Pick<Store, "findClient">; clock: Clock };

export function createClientCache({ store, clock }: ClientCacheOptions): ClientCache {
  const known = new Map<string, Known>();

  function remember(pair: string, secrets: readonly ClientSecret[]): void {
    const before = known.get(pair);
    // A map iterates in insertion order: the first entry is the least recently used.
    if (before !== undefined) known.delete(pair);
    else if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value ?? "");
    const { readAt = Number.NEGATIVE_INFINITY, reading = Promise.resolve() } = before ?? {};
    known.set(pair, { secrets, readAt, reading });
  }

  function correct(pair: string, secrets: readonly ClientSecret[] | undefined): void {
    const entry = known.get(pair);
    if (secrets === undefined) known.delete(pair);
    else if (entry !== undefined) entry.secrets = secrets;
  }

  return {
    recognises: (pair, digest) => digestMatches(digest, known.get(pair)?.secrets ?? [], clock()),
    remember,
    correct,
    async refresh(pair, clientId) {
      const entry = known.get(pair);
      if (entry === undefined) return;
      if (performance.now() - entry.readAt >= REFRESH_AFTER_MS) {
        entry.readAt = performance.now();
        entry.reading = withTimeout(store.findClient(clientId)).then(
          (client) => correct(pair, client?.secrets),
          (error: unknown) => {
            if (!(error instanceof MintmarkError)) throw error;
          },
        );
      }
      await entry.reading;
    },
  };
}
