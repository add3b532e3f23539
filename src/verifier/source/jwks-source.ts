import { sparingly } from "../../async/sparingly.ts";
import { createTrustState } from "../../trust/trust-state.ts";
import type { Followed, FollowOptions } from "./feed-source.ts";
import { findKey, importKeySet, type KeySet } from "./key-set.ts";
import { fetchJwkSet } from "./remote-jwks.ts";
import { keepLearning, type Learning } from "./retry-loop.ts";

/** Keeps the JWK Set of the service, and nothing else: of revocations it hears nothing. */
export function followKeys({ service, status, maxStaleness, clock, steady }: FollowOptions): Followed {
  const nothingRevoked = createTrustState();
  let keys: KeySet = new Map();
  let takenAt = Number.NEGATIVE_INFINITY;
  let publishesKeys: boolean | undefined;

  /** Gives for how many milliseconds the set that it fetched may be kept. */
  async function fetchKeys({ succeeded }: Learning): Promise<number> {
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

  const learning = keepLearning(service, async (learning) => {
    const fresh = await fetchKeys(learning);
    return { wait: fresh * (0.7 + Math.random() / 10), ref: false };
  });

  const fetchKeysAgain = sparingly(async () => void (await fetchKeys(learning)));

  return {
    lookup: (kid) => findKey(keys, kid, clock()),
    async ask(kid) {
      await fetchKeysAgain();
      return findKey(keys, kid, clock());
    },
    trust: () => nothingRevoked,
    failure: learning.failure,
    publishesKeys: () => publishesKeys,
  };
}
