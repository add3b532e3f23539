import { MintmarkError } from "../errors.ts";
import type { Milliseconds } from "../time.ts";

/** Requests are answered within 2 s. */
const REQUEST_TIMEOUT_MS: Milliseconds = 1500;

/** Rejects with `unavailable` after 1.5 s by default. Does not cancel the work. */
export function withTimeout<Outcome>(work: Promise<Outcome>, ms = REQUEST_TIMEOUT_MS): Promise<Outcome> {
  return awaitWithin(ms, { work, expire: (_, reject) => reject(new MintmarkError("unavailable")) });
}

/** Whether `work` completes in time. Rejects with its rejection. Does not cancel it. */
export function completesWithin(ms: Milliseconds, work: Promise<unknown>): Promise<boolean> {
  return awaitWithin(ms, { work: work.then(() => true), expire: (resolve) => resolve(false) });
}

type Expiring<Outcome> = {
  work: Promise<Outcome>;
  expire: (resolve: (outcome: Outcome) => void, reject: (error: unknown) => void) => void;
};

/** Not by `race` and `finally`, which take three times as long: an issuance waits twice. */
function awaitWithin<Outcome>(ms: Milliseconds, { work, expire }: Expiring<Outcome>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => expire(resolve, reject), ms);
    work.then(
      (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
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
