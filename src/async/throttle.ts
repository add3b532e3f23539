import type { Milliseconds } from "../time.ts";

/**
 * Starts `work` at most once in `intervalMs`. Calls during a run share it; calls in the rest of the interval do nothing.
 * Never rejects.
 */
export function throttle(work: () => Promise<void>, intervalMs: Milliseconds): () => Promise<void> {
  let run = Promise.resolve();
  let nextAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now < nextAt) return run;
    nextAt = Number.POSITIVE_INFINITY;
    run = work()
      .catch(() => {})
      .finally(() => {
        nextAt = now + intervalMs;
      });
    return run;
  };
}
