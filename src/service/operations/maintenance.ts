import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { ClientUses } from "../clients/client-uses.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import { createPrunes } from "./prunes.ts";
import type { Tasks } from "./tasks.ts";

const INTERVAL_MS: Milliseconds = 60_000;

/** Retry interval of a failed key rotation. Until then the server is not ready. */
const RETRY_MS: Milliseconds = 5000;

/** How often processes share their counts of calls. */
const SHARE_MS: Milliseconds = 1000;

export type MaintenanceOptions = {
  store: Store;
  keys: LoadedKeys;
  trust: StoreFollower;
  audit: AuditLog;
  uses: Pick<ClientUses, "flush">;
  clock: Clock;
  tasks: Tasks;
  rotateIfDue: () => Promise<void>;
  auditRetention: Seconds;
  longestLifetime: () => Seconds;
  /** Whether it also runs what one process does for all: key rotation and pruning. */
  runsMaintenance: boolean;
};

export type Maintenance = {
  /** Runs all tasks. Rejects with the error of a failed task after the others have run. */
  run(): Promise<void>;
  /** Retries a failed key rotation. */
  retry(): Promise<void>;
  /** Stops pruning. */
  end(): void;
};

/** The work of every minute: reloads and rotates keys, writes counted refusals and uses of clients, prunes. */
export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { keys, trust, audit, uses, clock, tasks, rotateIfDue, runsMaintenance } = options;
  const { prune, end } = createPrunes(options);

  async function rotate(): Promise<void> {
    await tasks.run("reload_keys", keys.reload);
    if (runsMaintenance) await tasks.run("rotate_keys", rotateIfDue);
  }

  return {
    async run() {
      // First: the only task with a deadline.
      await rotate();
      await tasks.run("write_refusals", audit.flush);
      await tasks.run("write_client_uses", uses.flush);
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

/** Starts the timers of maintenance and follows changes by other processes. Returns the function that stops both. */
export function startMaintenance({ maintenance, shareRates, catchUp, watch, onError }: Work): () => void {
  let hasEnded = false;
  const report = (work: string) => (error: unknown) => {
    // Work in progress fails when the store closes.
    if (!hasEnded) onError(work, error);
  };
  const timers = [
    // The failed task has reported its error.
    setInterval(() => maintenance.run().catch(() => {}), INTERVAL_MS).unref(),
    setInterval(maintenance.retry, RETRY_MS).unref(),
    setInterval(() => shareRates().catch(report("sharing rate limits")), SHARE_MS).unref(),
  ];
  const unwatch = watch(() => catchUp().catch(report("reading changes")));
  return () => {
    hasEnded = true;
    for (const timer of timers) clearInterval(timer);
    maintenance.end();
    unwatch();
  };
}
