import { MintmarkError } from "../../errors.ts";
import { failureCode } from "../../store/failure-code.ts";
import { FILES_MOVED, isDamage } from "../../store/outage.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { TaskName, Tasks } from "./tasks.ts";

/** The conditions for serving requests in full. */
type Checks = {
  /**
   * Whether the database can be read and written. Without it, tokens are verified but not issued. `replaced`: the open files
   * are no longer those in the data folder. `damaged`: another program has overwritten or truncated them.
   */
  store: "ok" | "unavailable" | "not_writable" | "replaced" | "damaged";
  /** Whether keys are loaded and one of them signs. */
  keys: "ok" | "unavailable";
  /** Whether the keys can be rotated in time. */
  rotation: "ok" | "failing";
  /** Whether the revocation data is fresh. If it is stale, no token is verified. */
  trust: "ok" | "stale";
  /** Whether this machine's clock is behind: other servers would reject its tokens as expired. */
  clock: "ok" | "behind";
  /** `draining`: this server is about to stop and still serves; send new requests to another. */
  server: "ok" | "draining";
};

export type Readiness = {
  checks: Checks;
  /** The tasks whose last run failed. All but key rotation can fail for long without affecting requests. */
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
