import { MintmarkError } from "../errors.ts";
import type { Milliseconds } from "../time.ts";

/** Requests are answered within 2 s. */
const REQUEST_TIMEOUT_MS: Milliseconds = 1500;

/** Rejects with `unavailable` after 1.5 s by default. Does not cancel the work. */
export async function withTimeout<Outcome>(work: Promise<Outcome>, ms = REQUEST_TIMEOUT_MS): Promise<Outcome> {
  if (await completesWithin(ms, work)) return work;
  throw new MintmarkError("unavailable");
}

/** Whether `work` completes in time. Rejects with its rejection. Does not cancel it. */
export async function completesWithin(ms: Milliseconds, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  return Promise.race([work.then(() => true), timeout]).finally(() => clearTimeout(timer));
}

/**
 * Runs the work of each name one after the other. Drops work that has waited longer than its request: so the queue of a slow
 * database does not grow.
 */
export function createQueues(): <Outcome>(name: string, work: () => Promise<Outcome>) => Promise<Outcome> {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const queuedAt = performance.now();
    const run = (last.get(name) ?? Promise.resolve()).then(() => {
      if (performance.now() - queuedAt > REQUEST_TIMEOUT_MS) throw new MintmarkError("unavailable");
      return work();
    });
    const done = run
      .catch(() => {})
      .then(() => {
        if (last.get(name) === done) last.delete(name);
      });
    last.set(name, done);
    return run;
  };
}
