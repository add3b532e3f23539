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
  store: Pick<Store, "pruneCounts" | "pruneSignInData" | "pruneAudit" | "pruneGrants" | "forgetRevocations">;
  clock: Clock;
  auditRetention: Seconds;
  /** The longest token lifetime ever allowed. */
  longestLifetime: () => Seconds;
  tasks: Tasks;
};

/** Deletes expired rows from the store. `end` stops it after the current transaction. */
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
      const retentionTime = retentionClock();
      await tasks.run("prune_counts", () => pruneInBatches((limit) => store.pruneCounts(clock(), limit)));
      await tasks.run("prune_sign_ins", () =>
        pruneInBatches((limit) => store.pruneSignInData(clock() - MAX_CLOCK_SKEW, limit)),
      );
      if (retentionTime === undefined) return;
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
 * A clock for deletions: the earliest reading of `clock` within the last hour, or `undefined` within the first hour. A clock
 * that jumps ahead and is corrected within an hour deletes nothing. Each call takes a reading.
 */
export function createRetentionClock(
  clock: Clock,
  monotonicSeconds: () => Seconds = () => performance.now() / 1000,
): () => Seconds | undefined {
  let readings: { at: Seconds; now: Seconds }[] = [];
  return () => {
    const at = monotonicSeconds();
    readings.push({ at, now: clock() });
    const start = readings.findLastIndex((one) => one.at <= at - HOUR);
    if (start < 0) return undefined;
    readings = readings.slice(start);
    return Math.min(...readings.map(({ now }) => now));
  };
}
