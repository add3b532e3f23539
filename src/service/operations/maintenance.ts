import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import { createPrunes } from "./prunes.ts";
import type { Tasks } from "./tasks.ts";

/** How often maintenance is done, in milliseconds. */
const INTERVAL_MS = 60_000;

/** How soon a rotation of keys that failed is tried again, in milliseconds. A server is not ready meanwhile. */
const RETRY_MS = 5000;

/** How often processes tell each other what calls they have counted, in milliseconds. */
const SHARE_MS = 1000;

export type MaintenanceOptions = {
  store: Store;
  keys: LoadedKeys;
  trust: StoreFollower;
  audit: AuditLog;
  clock: Clock;
  tasks: Tasks;
  rotateIfDue: () => Promise<void>;
  auditRetention: Seconds;
  longestLifetime: () => Seconds;
  /** Whether it also does what one process does for all: rotates keys and forgets, in the store, what is past. */
  runsMaintenance: boolean;
};

export type Maintenance = {
  /** Does all that is done every minute. Rejects where a task failed, once the others are done. */
  run(): Promise<void>;
  /** Tries again to rotate the keys, where that failed. */
  retry(): Promise<void>;
  /** Stops what takes long. */
  end(): void;
};

/** Makes the work that is done every minute: reads the keys, rotates them in time, writes what was counted, forgets what is past. */
export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { keys, trust, audit, clock, tasks, rotateIfDue, runsMaintenance } = options;
  const { prune, end } = createPrunes(options);

  async function rotate(): Promise<void> {
    await tasks.run("reload_keys", keys.reload);
    if (runsMaintenance) await tasks.run("rotate_keys", rotateIfDue);
  }

  return {
    async run() {
      // First, since it is the only task that has to be done in time.
      await rotate();
      await tasks.run("write_refusals", audit.flush);
      trust.state().forget(clock());
      if (runsMaintenance) await prune();
      const [failing] = tasks.failing();
      if (failing !== undefined) throw tasks.states[failing].error;
    },
    async retry() {
      if (tasks.failing().includes("rotate_keys")) await rotate();
    },
    end,
  };
}

export type Work = {
  maintenance: Maintenance;
  shareRates: () => Promise<void>;
  catchUp: () => Promise<void>;
  watch: Store["watch"];
  onError: (work: string, error: unknown) => void;
};

/** Keeps a running service up to date: its own maintenance at intervals, and other servers' changes as they come. */
export function startMaintenance({ maintenance, shareRates, catchUp, watch, onError }: Work): () => void {
  let hasEnded = false;
  const report = (work: string) => (error: unknown) => {
    // What was under way when the store was closed fails by that.
    if (!hasEnded) onError(work, error);
  };
  const timers = [
    // What failed was reported by its task.
    setInterval(() => maintenance.run().catch(() => {}), INTERVAL_MS).unref(),
    setInterval(maintenance.retry, RETRY_MS).unref(),
    setInterval(() => shareRates().catch(report("sharing rates")), SHARE_MS).unref(),
  ];
  const unwatch = watch(() => catchUp().catch(report("reading what is new")));
  return () => {
    hasEnded = true;
    for (const timer of timers) clearInterval(timer);
    maintenance.end();
    unwatch();
  };
}
