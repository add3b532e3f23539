import { MintmarkError } from "../../errors.ts";
import { failureCode } from "../../store/failure-code.ts";
import { FILES_MOVED, isDamage } from "../../store/outage.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { TaskName, Tasks } from "./tasks.ts";

/** What must be so for requests to be served in full, by name, and what is wrong with it where it is not. */
type Checks = {
  /**
   * Whether the database can be read and written. Without it tokens are still verified, but none are issued. `replaced`:
   * the files that this server has open are no longer those in its data folder. `damaged`: they are, and something else has
   * overwritten them or cut them short.
   */
  store: "ok" | "unavailable" | "not_writable" | "replaced" | "damaged";
  /** Whether keys are loaded and one of them signs. */
  keys: "ok" | "unavailable";
  /** Whether the keys can be rotated in time. */
  rotation: "ok" | "failing";
  /** Whether it is known what was revoked of late. Without it no token is verified either. */
  trust: "ok" | "stale";
  /** Whether this machine's clock may be right. By one that is behind, tokens are issued that others take for expired. */
  clock: "ok" | "behind";
  /** Whether this server goes on. One that is about to stop still answers; whoever asks next should ask another. */
  server: "ok" | "draining";
};

export type Readiness = {
  checks: Checks;
  /** The tasks whose last run failed. But for the rotation of keys, a server can do its work without them for long. */
  failing: readonly TaskName[];
};

export type ReadinessOptions = {
  trust: Pick<StoreFollower, "latest" | "isStale">;
  keys: Pick<LoadedKeys, "current">;
  /** Rejects where the store cannot be written. */
  checkWrites: () => Promise<void>;
  checkClock: () => Checks["clock"];
  tasks: Pick<Tasks, "failing">;
  isDraining: boolean;
};

export async function checkReadiness(options: ReadinessOptions): Promise<Readiness> {
  const { trust, keys, tasks } = options;
  const store = await checkStore(options);
  const failing = tasks.failing();
  return {
    checks: {
      store,
      keys: canSign(keys) ? "ok" : "unavailable",
      rotation: failing.includes("rotate_keys") ? "failing" : "ok",
      trust: trust.isStale() ? "stale" : "ok",
      clock: options.checkClock(),
      server: options.isDraining ? "draining" : "ok",
    },
    failing,
  };
}

async function checkStore({ trust, checkWrites }: ReadinessOptions): Promise<Checks["store"]> {
  const [read, write] = await Promise.allSettled([trust.latest(), checkWrites()]);
  const failures = [read, write].flatMap((outcome) => (outcome.status === "rejected" ? [causeOf(outcome.reason)] : []));
  if (failures.some((cause) => failureCode(cause) === FILES_MOVED)) return "replaced";
  if (failures.some(isDamage)) return "damaged";
  if (read.status === "rejected") return "unavailable";
  return write.status === "rejected" ? "not_writable" : "ok";
}

function causeOf(error: unknown): unknown {
  return error instanceof MintmarkError ? error.cause : error;
}

function canSign(keys: Pick<LoadedKeys, "current">): boolean {
  try {
    return keys.current().signing !== undefined;
  } catch {
    return false;
  }
}
