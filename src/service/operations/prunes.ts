import { setTimeout as sleep } from "node:timers/promises";
import { coalesce } from "../../async/coalesce.ts";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Pruned, Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { createRetentionClock } from "../feed/retention-clock.ts";
import type { Tasks } from "./tasks.ts";

/** What one transaction deletes: few enough to keep neither the event loop nor the database from requests for long. */
const BATCH = 200;

/** Shortest pause between two transactions, in milliseconds. It is as long as the one before, so that others get half the time. */
const PAUSE_MS = 5;

export type PrunesOptions = {
  store: Pick<Store, "pruneCounts" | "pruneAudit" | "pruneGrants" | "forgetRevocations">;
  clock: Clock;
  auditRetention: Seconds;
  /** The longest lifetime that a token could ever have. */
  longestLifetime: () => Seconds;
  tasks: Tasks;
};

/** Makes the work of forgetting, in the store, what is past. `end` stops it after the present transaction. */
export function createPrunes({ store, clock, auditRetention, longestLifetime, tasks }: PrunesOptions) {
  const retentionClock = createRetentionClock(clock);
  let hasEnded = false;

  async function inBatches(prune: (limit: number) => Promise<Pruned>): Promise<void> {
    for (let more = true; more && !hasEnded; ) {
      const start = performance.now();
      try {
        ({ more } = await prune(BATCH));
      } catch (error) {
        // The store is closed by now, maybe.
        if (!hasEnded) throw error;
        return;
      }
      if (more) await sleep(Math.max(PAUSE_MS, performance.now() - start), undefined, { ref: false });
    }
  }

  return {
    // In turn: a run may take longer than it is until the next one.
    prune: coalesce(async () => {
      const past = retentionClock();
      await tasks.run("prune_counts", () => inBatches((limit) => store.pruneCounts(clock(), limit)));
      if (past === undefined) return;
      const audited = past - auditRetention;
      await tasks.run("prune_audit", () => inBatches((limit) => store.pruneAudit(audited, limit)));
      // Tokens of a session that has ended by itself live on, and whoever has its refresh token may still revoke them.
      const expired = past - longestLifetime() - MAX_CLOCK_SKEW;
      await tasks.run("prune_sessions", () => inBatches((limit) => store.pruneGrants(expired, limit)));
      await tasks.run("prune_revocations", () => inBatches((limit) => store.forgetRevocations(past, limit)));
    }),
    end() {
      hasEnded = true;
    },
  };
}
