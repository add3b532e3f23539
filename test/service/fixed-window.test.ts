import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createFixedWindow } from "../../src/service/throttle/fixed-window.ts";
import { NOW } from "../support/service.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes in use after a garbage collection. */
function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function open(limit: number) {
  const clock = { now: NOW };
  return { clock, ...createFixedWindow(limit, () => clock.now) };
}

const times = (count: number, take: () => number) => Array.from({ length: count }, take);

describe("a rate limit", () => {
  it("admits the limit of each key, then returns the seconds left of the minute", () => {
    const { take, clock } = open(3);
    clock.now += 45;
    expect(times(5, () => take("ada"))).toEqual([0, 0, 0, 15, 15]);
    expect(take("eve")).toBe(0);
  });

  it("restarts with every minute, and when the clock is set back", () => {
    const { take, clock } = open(1);
    for (const moment of [NOW, NOW + 60, NOW + 3600, NOW - 60]) {
      clock.now = moment;
      expect(times(2, () => take("ada"))).toEqual([0, 60]);
    }
  });

  it("does not count refused calls", () => {
    const { take, unshared } = open(2);
    times(10, () => take("ada"));
    expect(unshared()).toMatchObject([{ key: "ada", amount: 2 }]);
  });

  it("adds the counts of other processes", () => {
    const { take, unshared } = open(100);
    times(10, () => take("ada"));
    const [first] = unshared();
    expect(first).toMatchObject({ key: "ada", window: NOW, amount: 10 });
    times(5, () => take("ada"));
    first?.confirm(90);
    // 15 here and 80 elsewhere.
    expect(times(6, () => take("ada"))).toEqual([0, 0, 0, 0, 0, 60]);
    expect(unshared()).toMatchObject([{ amount: 10 }]);
  });

  it("shares new counts only, and none of keys far from their limit", () => {
    const { take, unshared } = open(1000);
    times(10, () => take("rare"));
    times(11, () => take("often"));
    expect(unshared().map(({ key, amount }) => [key, amount])).toEqual([["often", 11]]);
    unshared()[0]?.confirm(11);
    expect(unshared()).toEqual([]);
    take("often");
    expect(unshared()).toMatchObject([{ amount: 1 }]);
  });

  it("holds a bounded number of keys in any flood", () => {
    const { take } = open(1);
    const before = heapUsed();
    for (let at = 0; at < 240_000; at += 1) take(`2001:db8:${at.toString(16)}:0::/64`);
    // 90,000 keys are held; all 240,000 would take almost three times as much.
    expect(heapUsed() - before).toBeLessThan(15 * 2 ** 20);
    expect(times(2, () => take("another"))).toEqual([0, 60]);
  });

  it.each([
    ["unused until 50,000 others have called", 50_000, 50_000],
    ["used now and then through any flood", 240_000, 10_000],
  ])("does not reset the count of a key %s", (_name, others, pause) => {
    const { take } = open(1);
    take("ada");
    for (let at = 0; at < others; at += 1) {
      take(`2001:db8:${at.toString(16)}:0::/64`);
      if (at % pause === pause - 1) expect(take("ada")).toBe(60);
    }
  });

  it("takes a call back, and no more than were counted", () => {
    const { take, release } = open(2);
    for (let at = 0; at < 3; at += 1) release("ada");
    expect(times(3, () => take("ada"))).toEqual([0, 0, 60]);
    release("ada");
    expect(times(2, () => take("ada"))).toEqual([0, 60]);
  });
});
