import { MintmarkError } from "../errors.ts";
import type { Milliseconds } from "../time.ts";

/** Milliseconds. A request must be answered within two seconds, and may wait for work that itself waits for its turn. */
const REQUEST_TIMEOUT_MS: Milliseconds = 1500;

/** Waits for work that a request needs. Where it takes too long, the request is refused; the work goes on. */
export async function withTimeout<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MintmarkError("unavailable")), REQUEST_TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * Makes what is asked for under one name happen one after the other. Work whose turn comes when its request has been
 * refused already is left out, so that a queue which a slow database has made is as short as its requests are many.
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
