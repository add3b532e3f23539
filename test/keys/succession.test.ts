import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type KeyTimes,
  type Succession,
  scheduleAfterRevocation,
  scheduleKey,
  successionOf,
} from "../../src/keys/succession.ts";
import { NOW } from "../support/service.ts";

const key = (kid: string, activatesAt: number, killedAt?: number): KeyTimes => ({
  kid,
  createdAt: NOW,
  activatesAt,
  killedAt,
});

describe("scheduleKey", () => {
  it("adds a key at the end, which signs no earlier than its predecessor", () => {
    expect(scheduleKey([], { follows: "", activatesAt: NOW })).toEqual({ add: { follows: "", activatesAt: NOW } });
    expect(scheduleKey([key("a", NOW)], { follows: "a", activatesAt: NOW - 5 })).toEqual({
      add: { follows: "a", activatesAt: NOW },
    });
  });

  it("activates a successor that another server has added earlier, and does nothing if it is early enough", () => {
    const keys = [key("a", NOW), key("b", NOW + 660)];
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW + 5 })).toEqual({
      activateEarlier: ["b"],
      activatesAt: NOW + 5,
    });
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW - 5 })).toEqual({
      activateEarlier: ["b"],
      activatesAt: NOW,
    });
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW + 660 })).toBeUndefined();
    expect(scheduleKey(keys, { follows: "", activatesAt: NOW + 5 })).toBeUndefined();
  });

  it("adds after the last key of the succession where the predecessor was revoked while pending", () => {
    const keys = [key("a", NOW), key("b", NOW + 660, NOW + 9)];
    expect(scheduleKey(keys, { follows: "b", activatesAt: NOW + 700 })).toEqual({
      add: { follows: "a", activatesAt: NOW + 700 },
    });
  });

  it("moves revoked keys before the successor with it, to keep the order", () => {
    const keys = [key("a", NOW), key("b", NOW + 900, NOW + 905), key("c", NOW + 905), key("d", NOW + 910)];
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW })).toEqual({
      activateEarlier: ["b", "c"],
      activatesAt: NOW,
    });
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW + 902 })).toEqual({
      activateEarlier: ["c"],
      activatesAt: NOW + 902,
    });
  });

  it("never moves a revoked key alone, nor one that was never active", () => {
    const keys = [key("a", NOW), key("b", NOW + 5, NOW + 5), key("c", NOW + 9, NOW + 6), key("d", NOW + 5)];
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW + 5 })).toBeUndefined();
    expect(scheduleKey(keys, { follows: "a", activatesAt: NOW })).toEqual({
      activateEarlier: ["b", "d"],
      activatesAt: NOW,
    });
  });
});

describe("scheduleAfterRevocation", () => {
  it("does nothing where the active key is not revoked", () => {
    expect(scheduleAfterRevocation([key("a", NOW), key("b", NOW + 660, NOW + 9)], NOW + 9)).toBeUndefined();
    expect(scheduleAfterRevocation([key("a", NOW, NOW + 9), key("b", NOW + 5)], NOW + 9)).toBeUndefined();
  });

  it("activates the pending successor of a revoked key", () => {
    expect(scheduleAfterRevocation([key("a", NOW, NOW + 9), key("b", NOW + 660)], NOW + 9)).toEqual({
      activateEarlier: ["b"],
      activatesAt: NOW + 9,
    });
  });

  it("adds a key where all are revoked, also where the last one was never active by the clock", () => {
    expect(scheduleAfterRevocation([key("a", NOW, NOW)], NOW)).toEqual({ add: { follows: "a", activatesAt: NOW } });
    expect(scheduleAfterRevocation([key("a", NOW, NOW - 5)], NOW - 5)).toEqual({
      add: { follows: "", activatesAt: NOW - 5 },
    });
    const keys = [key("a", NOW - 100), key("b", NOW, NOW + 1), key("c", NOW + 1, NOW - 1)];
    expect(scheduleAfterRevocation(keys, NOW - 1)).toEqual({ add: { follows: "b", activatesAt: NOW } });
  });
});

/** Operations on keys, by clocks of any time. */
const act = fc.record({
  now: fc.integer({ min: NOW, max: NOW + 20 }),
  what: fc.constantFrom("add", "kill"),
  at: fc.nat({ max: 9 }),
  ahead: fc.constantFrom(0, 7),
});

it("after any operations by any clocks the last key is not revoked, and keys sign in the order of addition", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      let keys: KeyTimes[] = [];
      const apply = (succession: Succession | undefined, kid: string) => {
        if (succession === undefined) return;
        if ("add" in succession) keys = [...keys, key(kid, succession.add.activatesAt)];
        else
          keys = keys.map((key) =>
            succession.activateEarlier.includes(key.kid) ? { ...key, activatesAt: succession.activatesAt } : key,
          );
      };
      apply(scheduleKey(keys, { follows: "", activatesAt: NOW }), "first");
      for (const [number, { now, what, at, ahead }] of acts.entries()) {
        const chosen = keys[at % keys.length];
        if (what === "add")
          apply(scheduleKey(keys, { follows: chosen?.kid ?? "", activatesAt: now + ahead }), `k${number}`);
        else if (chosen?.killedAt === undefined) {
          keys = keys.map((key) => (key === chosen ? { ...key, killedAt: now } : key));
          apply(scheduleAfterRevocation(keys, now), `k${number}`);
        }
        const succession = successionOf(keys);
        expect(succession.at(-1)).toMatchObject({ killedAt: undefined });
        const moments = succession.map(({ activatesAt }) => activatesAt);
        expect(moments).toEqual(moments.toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 2000 },
  );
});
