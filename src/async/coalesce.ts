import type { Milliseconds } from "../time.ts";

/**
 * Runs `work` one run at a time. Calls made before a run starts share it: each gets the outcome of a run that started after
 * the call. A failure rejects the calls of its run only. Two runs start at least `intervalMs` apart.
 */
export function coalesce<Outcome>(work: () => Promise<Outcome>, intervalMs: Milliseconds = 0): () => Promise<Outcome> {
  let startedAt = Number.NEGATIVE_INFINITY;
  return coalesceAfter(async () => {
    const waitMs = Math.min(intervalMs, startedAt + intervalMs - performance.now());
    await (waitMs > 0 ? sleep(waitMs) : endOfTurn());
    startedAt = performance.now();
  }, work);
}

/**
 * Runs `work` as {@link coalesce} does, after as many calls as the last run had, or `limitMs`: where many callers wait for
 * their calls before they make the next, the calls of all share a run, and a caller that is alone waits for nobody.
 */
export function coalesceInGroups<Outcome>(work: () => Promise<Outcome>, limitMs: Milliseconds): () => Promise<Outcome> {
  let calls = 0;
  let lastCalls = 1;
  let complete = () => {};
  const run = coalesceAfter(async () => {
    await endOfTurn();
    if (calls < lastCalls) {
      await Promise.race([sleep(limitMs), new Promise<void>((resolve) => (complete = resolve))]);
      await endOfTurn();
    }
    [lastCalls, calls] = [calls, 0];
  }, work);
  return () => {
    calls += 1;
    if (calls === lastCalls) complete();
    return run();
  };
}

/** Reads each name once for all calls of a turn of the event loop. The read starts after the calls. */
export function coalesceReads<Outcome>(read: (name: string) => Promise<Outcome>): (name: string) => Promise<Outcome> {
  const waiting = new Map<string, Promise<Outcome>>();

  async function readAfterTurn(name: string): Promise<Outcome> {
    await endOfTurn();
    waiting.delete(name);
    return read(name);
  }

  return (name) => {
    const shared = waiting.get(name) ?? readAfterTurn(name);
    waiting.set(name, shared);
    return shared;
  };
}

/** The calls of a turn of the event loop share a run, and all that are made while `wait` waits. */
function coalesceAfter<Outcome>(wait: () => Promise<unknown>, work: () => Promise<Outcome>): () => Promise<Outcome> {
  let next: Promise<Outcome> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function runNext(): Promise<Outcome> {
    await last.catch(() => {});
    await wait();
    next = undefined;
    const run = work();
    last = run;
    return run;
  }

  return () => {
    next ??= runNext();
    return next;
  };
}

/** By a global function: the router loads nothing of Node. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sleep(ms: Milliseconds): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
