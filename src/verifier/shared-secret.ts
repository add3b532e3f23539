import type { MonotonicClock } from "../async/monotonic-clock.ts";
import { keyOfSecret } from "../keys/shared-secret.ts";
import { createTrustState } from "../trust/trust-state.ts";
import type { Source } from "./source/feed-source.ts";
import type { Freshness } from "./source/freshness.ts";

/** What an issuer does that this verifier was not made for. All its tokens are refused then. */
const SIGNS_WITH_SECRET = new Error(
  "The issuer publishes no keys: it signs with a shared secret. Give the verifier the same as `secret`",
);
const SIGNS_WITH_KEYS = new Error(
  "The issuer publishes keys: it does not sign with a shared secret. Make the verifier without `secret`",
);

/** Verifies by a shared secret (HS256) in place of the keys that are published, or says that one is needed. */
export function withSecret(followed: Source, secret: string | undefined): Source {
  const { failure, publishesKeys } = followed;
  if (secret === undefined)
    return { ...followed, failure: () => failure() ?? (publishesKeys() === false ? SIGNS_WITH_SECRET : undefined) };
  const key = keyOfSecret(secret);
  return {
    ...followed,
    lookup: (kid) => (kid === key.kid ? key : undefined),
    fetchKey: async () => undefined,
    failure: () => failure() ?? (publishesKeys() ? SIGNS_WITH_KEYS : undefined),
  };
}

/** Follows nothing: with a shared secret and without the feed there is nothing to learn, now or later. */
export function createFixedSource({ status, monotonic }: { status: Freshness; monotonic: MonotonicClock }): Source {
  const nothingRevoked = createTrustState();
  status.note({ at: monotonic(), staleAt: Number.POSITIVE_INFINITY });
  return {
    lookup: () => undefined,
    fetchKey: async () => undefined,
    trust: () => nothingRevoked,
    failure: () => undefined,
    publishesKeys: () => undefined,
  };
}
