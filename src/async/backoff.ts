import type { Milliseconds, Seconds } from "../time.ts";

/** Milliseconds. The first attempt comes soon: mostly it is one connection that was lost, and not the service. */
const FIRST_MS: Milliseconds = 100;
const LONGEST_MS: Milliseconds = 5000;

/** What a `Retry-After` may ask for. A longer one would keep a verifier stale for no good reason. */
const RETRY_AFTER: { min: Seconds; max: Seconds } = { min: 1, max: 30 };

export type Backoff = {
  /** How many milliseconds to wait before the next attempt. */
  next(retryAfter: Seconds | undefined): Milliseconds;
  reset(): void;
};

/** Waits longer after every failure, by chance, so that those who failed together do not come back together. */
export function createBackoff(): Backoff {
  let attempts = 0;
  return {
    next(retryAfter) {
      const ceilingMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempts);
      attempts = Math.min(attempts + 1, 16);
      const retryAfterMs =
        retryAfter === undefined ? 0 : Math.min(Math.max(retryAfter, RETRY_AFTER.min), RETRY_AFTER.max);
      return retryAfterMs * 1000 + Math.random() * ceilingMs;
    },
    reset() {
      attempts = 0;
    },
  };
}
