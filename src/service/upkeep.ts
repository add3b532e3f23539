import type { Store } from "../store/store.ts";
import type { Clock, Seconds } from "../time.ts";
import type { AuditLog } from "./audit-log.ts";
import { createCautiousClock } from "./cautious-clock.ts";
import type { Keys } from "./keys.ts";
import type { Trust } from "./trust.ts";

/** How often upkeep is done, in milliseconds. */
const INTERVAL = 60_000;

/** How often processes tell each other what calls they have counted, in milliseconds. */
const SHARE = 1000;

export type UpkeepOptions = {
  store: Store;
  keys: Keys;
  trust: Trust;
  audit: AuditLog;
  clock: Clock;
  rotateIfDue: () => Promise<void>;
  auditRetention: Seconds;
  /** Whether it also does what one process does for all: rotates keys and forgets, in the store, what is past. */
  keeps: boolean;
};

/** Makes the work that is done every minute: reads the keys, rotates them in time, writes what was counted, forgets what is past. */
export function createUpkeep({ store, keys, trust, audit, clock, ...options }: UpkeepOptions): () => Promise<void> {
  const cautious = createCautiousClock(clock);
  return async () => {
    await keys.reload();
    await audit.flush();
    trust.state().forget(clock());
    if (!options.keeps) return;
    await store.pruneCounts(clock());
    const past = cautious();
    if (past !== undefined) {
      await store.pruneAudit(past - options.auditRetention);
      await store.pruneSessions(past);
      await store.forgetRevocations(past);
    }
    await options.rotateIfDue();
  };
}

export type Work = {
  upkeep: () => Promise<void>;
  shareRates: () => Promise<void>;
  catchUp: () => Promise<void>;
  watch: Store["watch"];
  onError: (work: string, error: unknown) => void;
};

/** Keeps a running service up to date: its own upkeep at intervals, and other servers' changes as they come. */
export function startUpkeep({ upkeep, shareRates, catchUp, watch, onError }: Work): () => void {
  const report = (work: string) => (error: unknown) => onError(work, error);
  const timers = [
    setInterval(() => upkeep().catch(report("upkeep")), INTERVAL).unref(),
    setInterval(() => shareRates().catch(report("sharing rates")), SHARE).unref(),
  ];
  const unwatch = watch(() => catchUp().catch(report("reading what is new")));
  return () => {
    for (const timer of timers) clearInterval(timer);
    unwatch();
  };
}
