import { createMonotonicClock, type MonotonicClock } from "../async/monotonic-clock.ts";
import { completesWithin } from "../async/with-timeout.ts";
import { findForeignKey, importForeignKeys } from "../keys/foreign-keys.ts";
import type { Milliseconds, Seconds } from "../time.ts";
import type { AssertionHeader, AssertionKey, AssertionKeyLookup } from "../token/client-assertion.ts";
import type { VerificationKey } from "../token/signature.ts";
import type { DocumentFetcher } from "./document-fetcher.ts";
import type { FetchFailure, FetchReason } from "./guarded-exchange.ts";

export type RemoteKeySetsOptions = {
  /** With `maxBytes` for a JWK Set: 64 KiB. */
  fetchDocument: DocumentFetcher;
  /** Receives each failed fetch, for the log. */
  onFailure?: (url: string, failure: KeySetFailure) => void;
  /** Most URLs whose keys are cached. Default 1,000. */
  maxUrls?: number;
  monotonic?: MonotonicClock;
};

export type KeySetFailure = Omit<FetchFailure, "reason"> & { reason: FetchReason | "not_a_jwk_set" };

/** The keys that clients publish by `jwks_uri`. */
export type RemoteKeySets = {
  /** The lookup among the keys of a URL. Where a fetch is due, it waits for it, a second at most; the fetch goes on. */
  lookupAt(url: string): AssertionKeyLookup;
};

/** Shortest time between two fetches of a URL: anyone can send assertions with new kids, and a failed server must recover. */
const REFETCH_INTERVAL_MS: Milliseconds = 30_000;

/** How long cached keys are used after their lifetime while fetches fail. Then a withdrawn key counts as withdrawn. */
const MAX_STALE_MS: Milliseconds = 3_600_000;

/** How long keys are fresh at most, whatever their `Cache-Control` says: so long counts a withdrawn key. */
const MAX_FRESH: Seconds = 3600;

/** Less than the 1.5 s of an authentication: a slow key server must not make this one unavailable. */
const MAX_WAIT_MS: Milliseconds = 1000;

const MAX_URLS = 1000;

type Entry = {
  keys: readonly VerificationKey[];
  requestedAt: Milliseconds;
  freshUntil: Milliseconds;
  usableUntil: Milliseconds;
  running: Promise<void> | undefined;
};

/**
 * Caches JWK Sets of clients for an hour at most. Fetches a URL when its keys have expired or have no match, at most once in
 * 30 s. While fetches fail or take long, cached keys are used for an hour more. Drops the least recently used URL.
 */
export function createRemoteKeySets(options: RemoteKeySetsOptions): RemoteKeySets {
  const { fetchDocument, onFailure, maxUrls = MAX_URLS, monotonic = createMonotonicClock() } = options;
  const entries = new Map<string, Entry>();

  function entryOf(url: string): Entry {
    const entry = entries.get(url) ?? unfetched();
    entries.delete(url);
    entries.set(url, entry);
    const [oldest] = entries.keys();
    if (entries.size > maxUrls && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  async function refetch(url: string, entry: Entry): Promise<void> {
    const requestedAt = monotonic();
    entry.requestedAt = requestedAt;
    const fetched = await fetchDocument(url);
    if (fetched.outcome === "failed") return onFailure?.(url, fetched);
    const imported = await importForeignKeys(fetched.document);
    if (imported === undefined) return onFailure?.(url, { outcome: "failed", reason: "not_a_jwk_set" });
    entry.keys = imported.keys;
    entry.freshUntil = requestedAt + Math.min(fetched.lifetime, MAX_FRESH) * 1000;
    entry.usableUntil = entry.freshUntil + MAX_STALE_MS;
  }

  /** Calls during a fetch wait for it, a second at most; calls soon after one do nothing. */
  async function refresh(url: string, entry: Entry): Promise<void> {
    if (entry.running === undefined && monotonic() < entry.requestedAt + REFETCH_INTERVAL_MS) return;
    entry.running ??= refetch(url, entry).finally(() => {
      entry.running = undefined;
    });
    await completesWithin(MAX_WAIT_MS, entry.running);
  }

  function find({ keys, usableUntil }: Entry, header: AssertionHeader): AssertionKey {
    return monotonic() < usableUntil ? findForeignKey(keys, header) : "keys_unavailable";
  }

  return {
    lookupAt: (url) => async (header) => {
      const entry = entryOf(url);
      if (monotonic() >= entry.freshUntil) await refresh(url, entry);
      const key = find(entry, header);
      if (key !== "unknown_key") return key;
      await refresh(url, entry);
      const refetched = find(entry, header);
      return refetched === "unknown_key" && entry.running !== undefined ? "keys_unavailable" : refetched;
    },
  };
}

function unfetched(): Entry {
  const never = Number.NEGATIVE_INFINITY;
  return { keys: [], requestedAt: never, freshUntil: never, usableUntil: never, running: undefined };
}
