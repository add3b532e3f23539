import type { MonotonicClock } from "../async/monotonic-clock.ts";
import { importSecret } from "../keys/shared-secret.ts";
import type { VerificationKey } from "../token/signature.ts";
import { createTrustState } from "../trust/trust-state.ts";
import type { Source } from "./source/feed-source.ts";
import type { Freshness } from "./source/freshness.ts";

/** The issuer signs in another way than this verifier expects, so that all its tokens are refused. */
const SIGNS_WITH_SECRET = new Error(
  "The issuer publishes no keys: it signs with a shared secret. Set `secret` to the same secret",
);
const SIGNS_WITH_KEYS = new Error(
  "The issuer publishes keys: it does not sign with a shared secret. Create the verifier without `secret`",
);

/** Verifies by a shared secret (HS256) instead of published keys. Without one, reports where the issuer needs one. */
export function withSecret(source: Source, secret: string | undefined): Source {
  const { failure, publishesKeys } = source;
  if (secret === undefined)
    return { ...source, failure: () => failure() ?? (publishesKeys() === false ? SIGNS_WITH_SECRET : undefined) };
  let key: VerificationKey | undefined;
  const lookup = (kid: string) => (kid === key?.kid ? key : undefined);
  return {
    ...source,
    lookup,
    async fetchKey(kid) {
      // Not at creation, which may be where a platform allows no asynchronous work.
      key ??= await importSecret(secret);
      return lookup(kid);
    },
    failure: () => failure() ?? (publishesKeys() ? SIGNS_WITH_KEYS : undefined),
  };
}

type FixedSourceOptions = { freshness: Freshness; monotonic: MonotonicClock };

/** With a shared secret and without the feed nothing is fetched: always fresh. */
export function createFixedSource({ freshness, monotonic }: FixedSourceOptions): Source {
  const nothingRevoked = createTrustState();
  freshness.update({ at: monotonic(), staleAt: Number.POSITIVE_INFINITY });
  return {
    lookup: () => undefined,
    fetchKey: async () => undefined,
    trust: () => nothingRevoked,
    revive: async () => {},
    failure: () => undefined,
    publishesKeys: () => undefined,
  };
}
