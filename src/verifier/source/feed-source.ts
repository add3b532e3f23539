import type { MonotonicClock } from "../../async/monotonic-clock.ts";
import { sparingly } from "../../async/sparingly.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { TrustSource } from "../token-verifier.ts";
import { type FeedMessage, readFeed } from "./event-stream.ts";
import type { Freshness } from "./freshness.ts";
import type { Service } from "./http-client.ts";
import { ExchangeError } from "./issuer-error.ts";
import { importKeySet } from "./key-set.ts";
import { fetchJwkSet } from "./remote-jwks.ts";
import { type RetryLoop, retryForever } from "./retry-loop.ts";
import { createTrustReplica } from "./trust-replica.ts";

export type SourceOptions = {
  service: Service;
  status: Freshness;
  maxStaleness: Seconds;
  clock: Clock;
  monotonic: MonotonicClock;
};

/** Where trust comes from, why nothing new comes at the moment, and whether the issuer publishes keys, once that is known. */
export type Source = Omit<TrustSource, "isStale"> & {
  failure(): Error | undefined;
  publishesKeys(): boolean | undefined;
};

/** How often revocations that matter no more are forgotten. */
const PRUNE_INTERVAL: Seconds = 10;

/** Milliseconds after which a connection is measured anew: the clocks of two machines drift apart. */
const RENEW = { always: 3_600_000, whenStale: 60_000 };

/** The service says something every 5 seconds, so that a silence of 6 is one. */
const SILENCE: { min: Seconds; max: Seconds } = { min: 6, max: 15 };

/** Follows the feed of the service, and keeps a copy of its trust state. */
export function createFeedSource({ service, status, maxStaleness, clock, monotonic }: SourceOptions): Source {
  const copy = createTrustReplica(clock);
  const silence = 1000 * Math.min(maxStaleness, Math.max(SILENCE.min, Math.min(SILENCE.max, maxStaleness / 2)));
  let cursor: string | undefined;
  let prunedAt: Seconds = 0;

  function resynchronise(why: string): never {
    cursor = undefined;
    throw new ExchangeError(why);
  }

  async function followOnce(learning: RetryLoop): Promise<void> {
    // What is said on this connection was true after this moment: so delays on the way count as age.
    const requestedAt = monotonic();
    const renewAt = requestedAt + RENEW.always * (0.75 + Math.random() / 4);
    const take = copy.begin();
    let sentFirst: number | undefined;

    async function receive({ update, cursor: next }: FeedMessage): Promise<void> {
      sentFirst ??= update.at;
      const taken = await take(update, status.state === "stale");
      if (taken === "unfit") resynchronise("The feed does not continue what is known");
      if (taken === "part") return;
      cursor = next ?? cursor;
      const at = Math.min(monotonic(), requestedAt + update.at - sentFirst);
      const knownAt = taken === "replaced" ? at : Math.max(at, status.knownAt);
      learning.succeeded();
      status.note({ at: knownAt, staleAt: knownAt + maxStaleness * 1000 });
      prune();
    }

    for await (const message of readFeed({ ...service, silence }, cursor)) {
      await receive(message);
      const now = monotonic();
      if (now > renewAt || (status.state === "stale" && now > requestedAt + RENEW.whenStale)) return;
    }
  }

  function prune(): void {
    const now = clock();
    if (copy.trust().hasForgottenTooMuch(now)) resynchronise("The clock was set back: what was forgotten may matter");
    if (Math.abs(now - prunedAt) < PRUNE_INTERVAL) return;
    prunedAt = now;
    copy.trust().forget(now);
  }

  const learning = retryForever(service, async (learning) => {
    try {
      await followOnce(learning);
    } catch (error) {
      // The service may have changed its mind about what a cursor looks like.
      if (error instanceof ExchangeError && error.status === 400) cursor = undefined;
      if (error instanceof ExchangeError && error.isLasting) status.refuse(error);
      throw error;
    }
    return { wait: 0, ref: true };
  });

  const learnKeys = sparingly(async () => {
    const version = copy.keysVersion;
    copy.apply(await importKeySet((await fetchJwkSet(service)).keys), version);
  });

  return {
    lookup: copy.lookup,
    async fetchKey(kid) {
      await learnKeys();
      return copy.lookup(kid);
    },
    trust: copy.trust,
    failure: learning.failure,
    publishesKeys: () => (copy.keysVersion === 0 ? undefined : copy.trust().keys.length > 0),
  };
}
