import { describe, expect, it } from "vitest";
import { coalesce } from "../../src/async/coalesce.ts";

/** Work that ends when it is told to. */
function controlled() {
  const runs: { finish: () => void; fail: (error: Error) => void }[] = [];
  const work = () =>
    new Promise<number>((resolve, reject) => {
      const number = runs.length + 1;
      runs.push({ finish: () => resolve(number), fail: reject });
    });
  return { runs, work };
}

/** Lets everything run that is ready to. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("inTurn", () => {
  it("runs once for all who ask before it begins, and again for those who ask after", async () => {
    const { runs, work } = controlled();
    const run = coalesce(work);
    const early = [run(), run()];
    await settle();
    expect(runs).toHaveLength(1);
    const late = [run(), run()];
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]?.finish();
    expect(await Promise.all(early)).toEqual([1, 1]);
    await settle();
    runs[1]?.finish();
    expect(await Promise.all(late)).toEqual([2, 2]);
  });

  it("tells a failure to those of its run, and goes on for the others", async () => {
    const { runs, work } = controlled();
    const run = coalesce(work);
    const first = run();
    await settle();
    const second = run();
    runs[0]?.fail(new Error("disk full"));
    await expect(first).rejects.toThrow("disk full");
    await settle();
    runs[1]?.finish();
    expect(await second).toBe(2);
  });

  it("leaves an interval between the beginnings of two runs", async () => {
    const began: number[] = [];
    const run = coalesce(async () => void began.push(performance.now()), 30);
    for (let at = 0; at < 3; at += 1) await run();
    const [first = 0, second = 0, third = 0] = began;
    expect(Math.min(second - first, third - second)).toBeGreaterThanOrEqual(27);
  });
});
