import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Clock, Milliseconds } from "../../time.ts";
import type { StoreFollower } from "../feed/store-follower.ts";

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
