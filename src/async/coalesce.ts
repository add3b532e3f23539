import type { Milliseconds } from "../time.ts";

/**
 * Runs `work` one run at a time. Calls made before a run starts share it: each gets the outcome of a run that started after
 * the call. A failure rejects the calls of its run only. Two runs start at least `intervalMs` apart, as it is then.
 */
export function coalesce<Outcome>(
  work: () => Promise<Outcome>,
  intervalMs: Milliseconds | (() => Milliseconds) = 0,
): () => Promise<Outcome> {
  let next: Promise<Outcome> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let startedAt = Number.NEGATIVE_INFINITY;

  async function runNext(): Promise<Outcome> {
    await last.catch(() => {});
    const interval = typeof intervalMs === "function" ? intervalMs() : intervalMs;
    const waitMs = Math.min(interval, startedAt + interval - performance.now());
    // Also without a wait, the calls of this turn of the event loop share the run.
    await new Promise((resolve) => (waitMs > 0 ? setTimeout(resolve, waitMs) : setImmediate(resolve)));
    next = undefined;
    startedAt = performance.now();
    const run = work();
    last = run;
    return run;
  }

  return () => {
    next ??= runNext();
    return next;
  };
}
