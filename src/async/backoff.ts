import type { Milliseconds, Seconds } from "../time.ts";

/** Short: most often one connection was lost, and the service is up. */
const FIRST_MS: Milliseconds = 100;
const LONGEST_MS: Milliseconds = 5000;

/** Bounds of `Retry-After`. A longer wait would leave a verifier stale without need. */
const RETRY_AFTER: { min: Seconds; max: Seconds } = { min: 1, max: 30 };

export type Backoff = {
  /** The wait before the next attempt. */
  next(retryAfter: Seconds | undefined): Milliseconds;
  reset(): void;
};

/** Exponential backoff with full jitter: clients that failed together do not retry together. */
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
