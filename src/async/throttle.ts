import type { Milliseconds } from "../time.ts";

const LONGEST_RUN_MS: Milliseconds = 15_000;

/**
 * Starts `work` at most once in `intervalMs`. Calls during a run share it; calls in the rest of the interval do nothing.
 * Never rejects. A run of more than 15 s counts as ended.
 */
export function throttle(work: () => Promise<void>, intervalMs: Milliseconds): () => Promise<void> {
  let run = Promise.resolve();
  let nextAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now < nextAt) return run;
    // Not for ever: a worker ends the work with the request that began it.
    nextAt = now + Math.max(intervalMs, LONGEST_RUN_MS);
    run = work()
      .catch(() => {})
      .finally(() => {
        nextAt = now + intervalMs;
      });
    return run;
  };
}
