import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { ClientSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import { digestMatches } from "./client-secret.ts";

/** How many pairs of client and address that authenticated lately are remembered. Each takes half a kilobyte. */
const MAX_KNOWN = 10_000;

/** How often the secrets of one pair are read again to recognise one that was rotated, in milliseconds. */
const REFRESH_AFTER_MS = 1000;

type Known = { secrets: readonly ClientSecret[]; readAt: number; reading: Promise<void> };

/** Remembers which clients authenticated where, with the hashes of their secrets as last read. */
export type ClientCache = {
  /** Whether a client authenticated there and, as far as is remembered, would again with a secret of this digest. */
  recognises(pair: string, digest: Buffer): boolean;
  remember(pair: string, secrets: readonly ClientSecret[]): void;
  /** Corrects what is remembered of a pair, if anything is: a client that was removed has no secrets. */
  correct(pair: string, secrets: readonly ClientSecret[] | undefined): void;
  /** Reads the secrets of a known pair again, unless that was done within the last second. Never rejects for the database. */
  refresh(pair: string, clientId: string): Promise<void>;
};

export type ClientCacheOptions = { store: Pick<Store, "findClient">; clock: Clock };

export function createClientCache({ store, clock }: ClientCacheOptions): ClientCache {
  const known = new Map<string, Known>();

  function remember(pair: string, secrets: readonly ClientSecret[]): void {
    const before = known.get(pair);
    // A map lists its entries in the order of their insertion: the first one was used least lately.
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
