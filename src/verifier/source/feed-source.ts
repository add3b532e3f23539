import type { MonotonicClock } from "../../async/monotonic-clock.ts";
import { throttle } from "../../async/throttle.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import type { TrustSource } from "../token-verifier.ts";
import { type FeedMessage, readFeed } from "./event-stream.ts";
import type { Freshness } from "./freshness.ts";
import type { Service } from "./http-client.ts";
import { IssuerError } from "./issuer-error.ts";
import { importKeySet, unsupportedKey } from "./key-set.ts";
import { fetchJwkSet, REFETCH_INTERVAL_MS } from "./remote-jwks.ts";
import { type RetryLoop, retryForever } from "./retry-loop.ts";
import { createTrustReplica } from "./trust-replica.ts";

export type SourceOptions = {
  service: Service;
  freshness: Freshness;
  maxStaleness: Seconds;
  clock: Clock;
  monotonic: MonotonicClock;
};

/** A source of trust, its latest failure, and whether the issuer publishes keys (`undefined`: not known yet). */
export type Source = Omit<TrustSource, "isStale" | "revive"> & {
  revive(): Promise<void>;
  failure(): Error | undefined;
  publishesKeys(): boolean | undefined;
};

/** How often expired revocations are deleted. */
const PRUNE_INTERVAL: Seconds = 10;

/** Lifetime of a connection. Age is measured at its start, and the clocks of two machines drift apart. */
const RENEW_MS: { always: Milliseconds; whenStale: Milliseconds } = { always: 3_600_000, whenStale: 60_000 };

/** Longest silence on a connection. The service sends a heartbeat every 5 s. */
const SILENCE: { min: Seconds; max: Seconds } = { min: 6, max: 15 };

/** Follows the feed of the service and replicates its trust state. */
export function createFeedSource({ service, freshness, maxStaleness, clock, monotonic }: SourceOptions): Source {
  const replica = createTrustReplica(clock);
  const silenceMs = 1000 * Math.min(maxStaleness, Math.max(SILENCE.min, Math.min(SILENCE.max, maxStaleness / 2)));
  let cursor: string | undefined;
  let prunedAt: Seconds = 0;

  function resynchronise(reason: string): never {
    cursor = undefined;
    throw new IssuerError(reason);
  }

  async function followOnce(loop: RetryLoop, closing: AbortSignal): Promise<void> {
    // The request precedes the first update, so that delays on the way count as age.
    const requestedAt = monotonic();
    const renewAt = requestedAt + RENEW_MS.always * (0.75 + Math.random() / 4);
    const apply = replica.begin();
    let sentFirst: number | undefined;

    async function receive({ update, cursor: next }: FeedMessage): Promise<void> {
      loop.alive();
      sentFirst ??= update.at;
      const applied = await apply(update, freshness.state === "stale");
      if (applied === "unfit") resynchronise("The feed does not continue the state of this verifier");
      if (applied === "part") return;
      cursor = next ?? cursor;
      const at = Math.min(monotonic(), requestedAt + update.at - sentFirst);
      const knownAt = applied === "replaced" ? at : Math.max(at, freshness.knownAt);
      loop.succeeded();
      freshness.update({ at: knownAt, staleAt: knownAt + maxStaleness * 1000 });
      prune();
    }

    for await (const message of readFeed({ ...service, closing, silenceMs }, cursor)) {
      await receive(message);
      const now = monotonic();
      if (now > renewAt || (freshness.state === "stale" && now > requestedAt + RENEW_MS.whenStale)) return;
    }
  }

  function prune(): void {
    const now = clock();
    if (replica.trust().hasForgottenTooMuch(now))
      resynchronise("The clock was set back: deleted revocations may apply again");
    if (Math.abs(now - prunedAt) < PRUNE_INTERVAL) return;
    prunedAt = now;
    replica.trust().forget(now);
  }

  const loop = retryForever({ ...service, silenceMs }, async (loop, signal) => {
    try {
      await followOnce(loop, signal);
    } catch (error) {
      // Another release of the service may use another form of cursor.
      if (error instanceof IssuerError && error.status === 400) cursor = undefined;
      if (error instanceof IssuerError && error.isLasting) freshness.refuse(error);
      throw error;
    }
    return { waitMs: 0, ref: true };
  });

  const refetchKeys = throttle(async () => {
    const version = replica.keysVersion;
    replica.addPublished(await importKeySet((await fetchJwkSet(service)).keys), version);
  }, REFETCH_INTERVAL_MS);

  return {
    lookup: replica.lookup,
    async fetchKey(kid) {
      await refetchKeys();
      return replica.lookup(kid);
    },
    trust: replica.trust,
    revive: loop.revive,
    failure: () => loop.failure() ?? unsupportedKey(replica.keys()),
    publishesKeys: () => (replica.keysVersion === 0 ? undefined : replica.trust().keys.length > 0),
  };
}
