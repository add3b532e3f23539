import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import { failureCode } from "../../store/failure-code.ts";
import { FILES_MOVED, isDamage } from "../../store/outage.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds } from "../../time.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { LastWrite } from "./instrument-store.ts";
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

/** How long a successful write counts as proof. */
const PROOF_MS: Milliseconds = 2000;

/** Shortest time between two probes: readiness requests are unauthenticated. */
const PROBE_INTERVAL_MS: Milliseconds = 250;

/** Size of a probe: about that of a token. */
export const PROBE_BYTES = 100;

/** Size of a probe after a failed write: more than any token, so that a nearly full disk does not pass. */
const PROBE_BYTES_AFTER_FAILURE = 100_000;

export type WriteCheckOptions = { store: Pick<Store, "checkWritable">; lastWrite: () => LastWrite };

/**
 * Checks whether the store is writable: by the last write if it succeeded recently, else by a probe. Rejects with the error
 * of the probe; rejects permanently once the database file was found damaged.
 */
export function createWriteCheck({ store, lastWrite }: WriteCheckOptions): () => Promise<void> {
  const probe = coalesce(
    () => store.checkWritable(lastWrite().hasFailed ? PROBE_BYTES_AFTER_FAILURE : PROBE_BYTES),
    PROBE_INTERVAL_MS,
  );
  return async () => {
    const { hasFailed, at, damage } = lastWrite();
    if (damage !== undefined) throw damage;
    if (hasFailed || performance.now() - at > PROOF_MS) await withTimeout(probe());
  };
}

/** How long a clock is reported as behind. After that, the other clock must have been ahead. */
const DOUBT_MS: Milliseconds = 5 * 60_000;

export type ClockCheckOptions = {
  trust: Pick<StoreFollower, "position">;
  clock: Clock;
  /** Milliseconds of a monotonic clock. */
  monotonic?: () => Milliseconds;
};

/**
 * Checks whether the clock is behind PostgreSQL's clock, or behind the latest change of the embedded database, by more than
 * the tolerance: other servers would reject its tokens as expired. The other clock may have been ahead instead, so the
 * check reports `behind` for five minutes; by then NTP has corrected a clock that was wrong at the start.
 */
export function createClockCheck(options: ClockCheckOptions): () => "ok" | "behind" {
  const { trust, clock, monotonic = () => performance.now() } = options;
  let since: Milliseconds | undefined;
  return () => {
    if (trust.position().time <= clock() + MAX_CLOCK_SKEW) {
      since = undefined;
      return "ok";
    }
    since ??= monotonic();
    return monotonic() - since < DOUBT_MS ? "behind" : "ok";
  };
}
