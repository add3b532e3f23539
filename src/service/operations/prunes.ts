import { setTimeout as sleep } from "node:timers/promises";
import { coalesce } from "../../async/coalesce.ts";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Pruned } from "../../store/pruned.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import type { Tasks } from "./tasks.ts";

/** Rows per transaction: few, so that requests do not wait long for the event loop or the database. */
const BATCH = 200;

/** Shortest pause between two transactions. A pause is as long as the last transaction, to leave half the time to requests. */
const PAUSE_MS: Milliseconds = 5;

export type PrunesOptions = {
  store: Pick<
    Store,
    | "pruneCounts"
    | "pruneRequests"
    | "pruneSignInData"
    | "pruneIntroducedClients"
    | "pruneAudit"
    | "pruneGrants"
    | "forgetRevocations"
  >;
  clock: Clock;
  auditRetention: Seconds;
  /** The longest token lifetime ever allowed. */
  longestLifetime: () => Seconds;
  tasks: Tasks;
};

/** How long a client that introduced itself is kept without a token, and since its last one. */
const UNUSED: Seconds = 86_400;
const DISUSED: Seconds = 90 * 86_400;

/**
 * Deletes expired rows from the store. `end` stops it after the current transaction. Rows that anybody can add go as soon as
 * they have expired; all others are retained until that is certain, whatever the clock said for less than an hour.
 */
export function createPrunes({ store, clock, auditRetention, longestLifetime, tasks }: PrunesOptions) {
  const retentionClock = createRetentionClock(clock);
  let hasEnded = false;

  async function pruneInBatches(prune: (limit: number) => Promise<Pruned>): Promise<void> {
    for (let more = true; more && !hasEnded; ) {
      const start = performance.now();
      try {
        ({ more } = await prune(BATCH));
      } catch (error) {
        // The store may be closed.
        if (!hasEnded) throw error;
        return;
      }
      if (more) await sleep(Math.max(PAUSE_MS, performance.now() - start), undefined, { ref: false });
    }
  }

  return {
    // Coalesced: a run may take longer than the interval.
    prune: coalesce(async () => {
      const { current, certain: retentionTime } = retentionClock();
      await tasks.run("prune_counts", () => pruneInBatches((limit) => store.pruneCounts(current, limit)));
      const finished = current - MAX_CLOCK_SKEW;
      await tasks.run("prune_requests", () => pruneInBatches((limit) => store.pruneRequests(finished, limit)));
      if (retentionTime === undefined) return;
      const ended = retentionTime - MAX_CLOCK_SKEW;
      await tasks.run("prune_sign_ins", () => pruneInBatches((limit) => store.pruneSignInData(ended, limit)));
      const disused = { added: retentionTime - UNUSED, used: retentionTime - DISUSED };
      await tasks.run("prune_clients", () => pruneInBatches((limit) => store.pruneIntroducedClients(disused, limit)));
      const audited = retentionTime - auditRetention;
      await tasks.run("prune_audit", () => pruneInBatches((limit) => store.pruneAudit(audited, limit)));
      // Retains an expired grant while its access tokens live: its refresh token can still revoke them.
      const expired = retentionTime - longestLifetime() - MAX_CLOCK_SKEW;
      await tasks.run("prune_sessions", () => pruneInBatches((limit) => store.pruneGrants(expired, limit)));
      await tasks.run("prune_revocations", () =>
        pruneInBatches((limit) => store.forgetRevocations(retentionTime, limit)),
      );
    }),
    end() {
      hasEnded = true;
    },
  };
}

const HOUR: Seconds = 3600;

/**
 * Times for deletions, by the readings of `clock` within the last hour. Each call takes a reading. A clock that jumps ahead
 * and is corrected within an hour changes neither.
 */
type RetentionTimes = {
  /** The time now, by the reading that gives the earliest. Wrong where the clock is so from the start. */
  current: Seconds;
  /** The earliest reading. Undefined within the first hour. */
  certain: Seconds | undefined;
};

/** Creates the clock for deletions; see {@link RetentionTimes}. */
export function createRetentionClock(
  clock: Clock,
  monotonicSeconds: () => Seconds = () => performance.now() / 1000,
): () => RetentionTimes {
  let readings: { at: Seconds; now: Seconds }[] = [];
  return () => {
    const at = monotonicSeconds();
    readings.push({ at, now: clock() });
    const start = readings.findLastIndex((one) => one.at <= at - HOUR);
    readings = readings.slice(Math.max(start, 0));
    return {
      current: Math.floor(Math.min(...readings.map((one) => one.now + at - one.at))),
      certain: start < 0 ? undefined : Math.min(...readings.map(({ now }) => now)),
    };
  };
}
