import { describe, expect, it } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";

const one = (id: string, amount = 1, until = NOW) => ({ id, amount, until });

export function describeCounts(open: Open): void {
  describe("addToCounts", () => {
    it("starts counts at zero, and returns the totals in the order of the additions", async () => {
      await using opened = await open();
      expect(await opened.here.addToCounts([one("b", 5), one("a", 2)])).toEqual([5, 2]);
      expect(await opened.there.addToCounts([one("c"), one("a", 3), one("b", 0)])).toEqual([1, 5, 5]);
      expect(await opened.here.addToCounts([one("a", -4)])).toEqual([1]);
    });

    it("loses and doubles no addition of concurrent processes", async () => {
      await using opened = await open();
      const names = ["a", "b", "c", "d"];
      const totals = await Promise.all(
        Array.from({ length: 30 }, (_, at) => {
          const store = at % 2 ? opened.here : opened.there;
          return store.addToCounts((at % 3 ? names : names.toReversed()).map((name) => one(name)));
        }),
      );
      // Each addition gets another total.
      for (const place of names.keys()) {
        const ordered = totals.map((total, at) => total[at % 3 ? place : names.length - 1 - place] ?? 0);
        expect(ordered.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
      }
    });

    it("retains counts over a restart", async () => {
      await using opened = await open();
      await opened.here.addToCounts([one("a", 2_000_000_000)]);
      const again = await opened.reopen();
      expect(await again.addToCounts([one("a", 2_000_000_000)])).toEqual([4_000_000_000]);
    });

    it("accepts a thousand at a time", async () => {
      await using opened = await open();
      const additions = Array.from({ length: 1000 }, (_, at) => one(`count ${at}`, at));
      expect(await opened.here.addToCounts(additions)).toEqual(additions.map(({ amount }) => amount));
    });
  });

  describe("readCounts", () => {
    it("returns the totals, and zero for an unknown id", async () => {
      await using opened = await open();
      await opened.here.addToCounts([one("a", 7), one("b", 1)]);
      expect(await opened.there.readCounts(["none", "b", "a"])).toEqual([0, 1, 7]);
    });
  });

  describe("pruneCounts", () => {
    it("deletes expired counts, and no other", async () => {
      await using opened = await open();
      await opened.here.addToCounts([one("past", 1, NOW - 1), one("now", 1, NOW), one("later", 1, NOW + 1)]);
      expect(await opened.there.pruneCounts(NOW, 1000)).toEqual({ count: 2, more: false });
      expect(await opened.here.readCounts(["past", "now", "later"])).toEqual([0, 0, 1]);
    });
  });
}
