import { setTimeout as sleep } from "node:timers/promises";
import { ACTS } from "./acts.ts";
import type { Scenario } from "./scenario.ts";

export type Workload = {
  /** Lets nobody begin anything, and resolves when nothing is under way. */
  pause(): Promise<void>;
  resume(): void;
  /** Does one act, also while nobody else does; says whether it was done. */
  doOne(): Promise<boolean>;
  stop(): Promise<void>;
};

const ACTORS = 6;
/** Milliseconds between two acts of one actor, and after one that failed. */
const BREAK = { min: 4, max: 20 };
const AFTER_FAILURE = 40;

const weights = Object.fromEntries(Object.entries(ACTS).map(([name, [weight]]) => [name, weight]));

/** Lets actors do one act after another, all of them at once, whatever befalls the servers. It begins paused. */
export function startWorkload(scenario: Scenario): Workload {
  let gate = withResolvers();
  let isPaused = true;
  let stopped = false;
  const underWay = new Set<Promise<boolean>>();

  const doOne = () => ACTS[scenario.random.weighted(weights)]?.[1](scenario) ?? Promise.resolve(true);

  async function doSomething(): Promise<void> {
    const doing = doOne();
    underWay.add(doing);
    const done = await doing;
    underWay.delete(doing);
    await sleep(done ? scenario.random.between(BREAK.min, BREAK.max) : AFTER_FAILURE);
  }

  async function act(): Promise<void> {
    while (!stopped) {
      if (isPaused) await gate.promise;
      else await doSomething();
    }
  }

  const actors = Promise.all(Array.from({ length: ACTORS }, act));
  const pause = async () => {
    if (!isPaused) gate = withResolvers();
    isPaused = true;
    await Promise.all(underWay);
  };
  const resume = () => {
    isPaused = false;
    gate.resolve();
  };
  return {
    pause,
    resume,
    doOne,
    async stop() {
      stopped = true;
      resume();
      await actors;
    },
  };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}
