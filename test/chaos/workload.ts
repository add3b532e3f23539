import { setTimeout as sleep } from "node:timers/promises";
import { OPERATIONS } from "./operations.ts";
import type { Scenario } from "./scenario.ts";

export type Workload = {
  /** Begins no more operations, and resolves when none runs. */
  pause(): Promise<void>;
  resume(): void;
  /** Does one operation, also while paused; returns whether it was done. */
  doOne(): Promise<boolean>;
  stop(): Promise<void>;
};

const ACTORS = 6;
/** Milliseconds between two operations of one actor, and after a failed one. */
const BREAK = { min: 4, max: 20 };
const AFTER_FAILURE = 40;

const weights = Object.fromEntries(Object.entries(OPERATIONS).map(([name, [weight]]) => [name, weight]));

/** Actors that do one operation after another, all at once, through every fault. It begins paused. */
export function startWorkload(scenario: Scenario): Workload {
  let resumed = withResolvers();
  let isPaused = true;
  let stopped = false;
  const underWay = new Set<Promise<boolean>>();

  const doOne = () => OPERATIONS[scenario.random.weighted(weights)]?.[1](scenario) ?? Promise.resolve(true);

  async function doSomething(): Promise<void> {
    const doing = doOne();
    underWay.add(doing);
    const done = await doing;
    underWay.delete(doing);
    await sleep(done ? scenario.random.between(BREAK.min, BREAK.max) : AFTER_FAILURE);
  }

  async function run(): Promise<void> {
    while (!stopped) {
      if (isPaused) await resumed.promise;
      else await doSomething();
    }
  }

  const actors = Promise.all(Array.from({ length: ACTORS }, run));
  const pause = async () => {
    if (!isPaused) resumed = withResolvers();
    isPaused = true;
    await Promise.all(underWay);
  };
  const resume = () => {
    isPaused = false;
    resumed.resolve();
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
