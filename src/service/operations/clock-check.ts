import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Clock } from "../../time.ts";
import type { StoreFollower } from "../feed/store-follower.ts";

/** How long a clock that is behind is doubted, in milliseconds: then it is the earlier one that must have been ahead. */
const DOUBT_MS = 5 * 60_000;

export type ClockCheckOptions = {
  trust: Pick<StoreFollower, "latestTime">;
  clock: Clock;
  /** Milliseconds of a monotonic clock. */
  monotonic?: () => number;
};

/**
 * Makes the check whether the clock is behind by more than may be: of the clock of PostgreSQL, or of the one by which the
 * embedded database was changed last. Tokens would be issued that others take for expired. A clock cannot be told from
 * another that was ahead, so it is doubted for five minutes; by then NTP has set one that was wrong at the start.
 */
export function createClockCheck(options: ClockCheckOptions): () => "ok" | "behind" {
  const { trust, clock, monotonic = () => performance.now() } = options;
  let since: number | undefined;
  return () => {
    if (trust.latestTime() <= clock() + MAX_CLOCK_SKEW) {
      since = undefined;
      return "ok";
    }
    since ??= monotonic();
    return monotonic() - since < DOUBT_MS ? "behind" : "ok";
  };
}
