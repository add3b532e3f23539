import { sparingly } from "../../async/sparingly.ts";
import { createTrustState } from "../../trust/trust-state.ts";
import type { Source, SourceOptions } from "./feed-source.ts";
import { findKey, importKeySet, type KeySet } from "./key-set.ts";
import { fetchJwkSet } from "./remote-jwks.ts";
import { type RetryLoop, retryForever } from "./retry-loop.ts";

/** Keeps the JWK Set of the service, and nothing else: of revocations it hears nothing. */
export function createJwksSource({ service, status, maxStaleness, clock, monotonic: steady }: SourceOptions): Source {
  const nothingRevoked = createTrustState();
  let keys: KeySet = new Map();
  let takenAt = Number.NEGATIVE_INFINITY;
  let publishesKeys: boolean | undefined;

  /** Gives for how many milliseconds the set that it fetched may be kept. */
  async function fetchKeys({ succeeded }: RetryLoop): Promise<number> {
    const requestedAt = steady();
    const { keys: published, maxAge, age } = await fetchJwkSet(service);
    const imported = await importKeySet(published);
    succeeded();
    // Of two answers that overtook each other, the one asked for first is the older one.
    if (requestedAt > takenAt) {
      [keys, takenAt, publishesKeys] = [imported, requestedAt, published.length > 0];
      const knownAt = requestedAt - age * 1000;
      status.note({ at: knownAt, staleAt: knownAt + (maxAge + maxStaleness) * 1000 });
    }
    return Math.max(maxAge - age, 10) * 1000;
  }

  const learning = retryForever(service, async (learning) => {
    const fresh = await fetchKeys(learning);
    return { wait: fresh * (0.7 + Math.random() / 10), ref: false };
  });

  const refetchKeys = sparingly(async () => void (await fetchKeys(learning)));

  return {
    lookup: (kid) => findKey(keys, kid, clock()),
    async fetchKey(kid) {
      await refetchKeys();
      return findKey(keys, kid, clock());
    },
    trust: () => nothingRevoked,
    failure: learning.failure,
    publishesKeys: () => publishesKeys,
  };
}
