import { throttle } from "../../async/throttle.ts";
import type { Milliseconds } from "../../time.ts";
import { createTrustState } from "../../trust/trust-state.ts";
import type { Source, SourceOptions } from "./feed-source.ts";
import { findKey, importKeySet, type KeySet, unsupportedKey } from "./key-set.ts";
import { fetchJwkSet, REFETCH_INTERVAL_MS, TIMEOUT_MS } from "./remote-jwks.ts";
import { type RetryLoop, retryForever } from "./retry-loop.ts";

/** Caches the JWK Set of the service. Knows no revocations. */
export function createJwksSource({ service, freshness, maxStaleness, clock, monotonic }: SourceOptions): Source {
  const nothingRevoked = createTrustState();
  let keys: KeySet = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let publishesKeys: boolean | undefined;

  /** Returns how long the fetched set may be cached. */
  async function fetchKeys({ succeeded }: RetryLoop, closing: AbortSignal): Promise<Milliseconds> {
    const requestedAt = monotonic();
    const { keys: published, maxAge, age } = await fetchJwkSet({ ...service, closing });
    const imported = await importKeySet(published);
    succeeded();
    // Responses can arrive out of order.
    if (requestedAt > fetchedAt) {
      [keys, fetchedAt, publishesKeys] = [imported, requestedAt, published.length > 0];
      const knownAt = requestedAt - age * 1000;
      freshness.update({ at: knownAt, staleAt: knownAt + (maxAge + maxStaleness) * 1000 });
    }
    return Math.max(maxAge - age, 10) * 1000;
  }

  const loop = retryForever({ ...service, silenceMs: TIMEOUT_MS }, async (loop, signal) => {
    const freshMs = await fetchKeys(loop, signal);
    return { waitMs: freshMs * (0.7 + Math.random() / 10), ref: false };
  });

  const refetchKeys = throttle(async () => void (await fetchKeys(loop, service.closing)), REFETCH_INTERVAL_MS);

  return {
    lookup: (kid) => findKey(keys, kid, clock()),
    async fetchKey(kid) {
      await refetchKeys();
      return findKey(keys, kid, clock());
    },
    trust: () => nothingRevoked,
    revive: loop.revive,
    failure: () => loop.failure() ?? unsupportedKey(keys),
    publishesKeys: () => publishesKeys,
  };
}
