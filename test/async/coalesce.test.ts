import { afterEach, describe, expect, it, vi } from "vitest";
import { coalesce, coalesceInGroups, coalesceReads } from "../../src/async/coalesce.ts";
import { throttle } from "../../src/async/throttle.ts";

/** Work that ends on demand. */
function controlled() {
  const runs: { finish: () => void; fail: (error: Error) => void }[] = [];
  const work = () =>
    new Promise<number>((resolve, reject) => {
      const number = runs.length + 1;
      runs.push({ finish: () => resolve(number), fail: reject });
    });
  return { runs, work };
}

/** Runs everything that is ready. */
async function runReady(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("coalesce", () => {
  it("runs once for all calls before its start, and again for later calls", async () => {
    const { runs, work } = controlled();
    const run = coalesce(work);
    const early = [run(), run()];
    await runReady();
    expect(runs).toHaveLength(1);
    const late = [run(), run()];
    await runReady();
    expect(runs).toHaveLength(1);
    runs[0]?.finish();
    expect(await Promise.all(early)).toEqual([1, 1]);
    await runReady();
    runs[1]?.finish();
    expect(await Promise.all(late)).toEqual([2, 2]);
  });

  it("rejects the calls of a failed run only", async () => {
    const { runs, work } = controlled();
    const run = coalesce(work);
    const first = run();
    await runReady();
    const second = run();
    runs[0]?.fail(new Error("disk full"));
    await expect(first).rejects.toThrow("disk full");
    await runReady();
    runs[1]?.finish();
    expect(await second).toBe(2);
  });

  it("starts two runs at least an interval apart", async () => {
    const began: number[] = [];
    const run = coalesce(async () => void began.push(performance.now()), 30);
    for (let at = 0; at < 3; at += 1) await run();
    const [first = 0, second = 0, third = 0] = began;
    expect(Math.min(second - first, third - second)).toBeGreaterThanOrEqual(27);
  });
});

describe("coalesceInGroups", () => {
  it("does not let a caller wait that is alone", async () => {
    const run = coalesceInGroups(async () => {}, 60_000);
    for (let at = 0; at < 3; at += 1) await run();
  });

  it("waits for as many calls as the last run had", async () => {
    const { runs, work } = controlled();
    const run = coalesceInGroups(work, 60_000);
    const first = Promise.all([run(), run(), run()]);
    await runReady();
    runs[0]?.finish();
    await first;
    const early = [run(), run()];
    await runReady();
    expect(runs).toHaveLength(1);
    const all = Promise.all([...early, run(), run()]);
    await runReady();
    expect(runs).toHaveLength(2);
    runs[1]?.finish();
    expect(await all).toEqual([2, 2, 2, 2]);
  });

  it("waits no longer than its limit, and then for as many as came", async () => {
    const run = coalesceInGroups(async () => {}, 30);
    await Promise.all([run(), run(), run()]);
    const start = performance.now();
    await run();
    expect(performance.now() - start).toBeGreaterThanOrEqual(27);
    const again = performance.now();
    await run();
    expect(performance.now() - again).toBeLessThan(27);
  });
});

describe("throttle", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("shares a run among calls during it, drops calls in the interval, and runs again afterwards", async () => {
    let started = 0;
    const run = throttle(async () => {
      started += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }, 1000);
    vi.useFakeTimers({ toFake: ["performance"] });
    await Promise.all([run(), run()]);
    vi.advanceTimersByTime(999);
    await run();
    expect(started).toBe(1);
    vi.advanceTimersByTime(1);
    await run();
    expect(started).toBe(2);
  });

  it("hides failures", async () => {
    const run = throttle(() => Promise.reject(new Error("unreachable")), 1000);
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("coalesceReads", () => {
  it("reads each name once for the calls of a turn, after all of them", async () => {
    const reads: string[] = [];
    let state = "before";
    const read = coalesceReads(async (name) => {
      reads.push(name);
      return `${name} ${state}`;
    });
    const calls = [read("a"), read("b"), read("a")];
    state = "after";
    expect(await Promise.all(calls)).toEqual(["a after", "b after", "a after"]);
    expect(reads).toEqual(["a", "b"]);
    state = "later";
    expect(await read("a")).toBe("a later");
  });

  it("reads again after a failure", async () => {
    let fails = true;
    const read = coalesceReads(async () => {
      if (fails) throw new Error("disk full");
      return "read";
    });
    const calls = [read("a"), read("a")];
    for (const call of calls) await expect(call).rejects.toThrow("disk full");
    fails = false;
    expect(await read("a")).toBe("read");
  });
});
