import { describe, expect, it } from "vitest";
import { createClockCheck } from "../../src/service/operations/readiness.ts";
import { NOW } from "../support/service.ts";

const MINUTE = 60_000;
const POSITION = {
  epoch: "",
  sequence: 1,
  keysSequence: 1,
  clientsSequence: 1,
  time: NOW,
  settings: { longestLifetime: 0 },
};

describe("createClockCheck()", () => {
  it.each([
    ["the same as", 0, "ok"],
    ["a year ahead of", 366 * 86_400, "ok"],
    ["a minute behind", -60, "ok"],
    ["more than a minute behind", -61, "behind"],
    ["a year behind", -366 * 86_400, "behind"],
  ])("reports on a clock that is %s the other", (_, apart, outcome) => {
    const check = createClockCheck({ trust: { position: () => POSITION }, clock: () => NOW + apart });
    expect(check()).toBe(outcome);
  });

  it("reports a clock as behind for five minutes, and again after it was right in between", () => {
    const [clock, monotonic] = [{ now: NOW - 3600 }, { now: 0 }];
    const trust = { position: () => POSITION };
    const check = createClockCheck({ trust, clock: () => clock.now, monotonic: () => monotonic.now });
    expect(check()).toBe("behind");
    monotonic.now += 5 * MINUTE - 1;
    expect(check()).toBe("behind");
    monotonic.now += 1;
    expect(check()).toBe("ok");
    clock.now = NOW;
    expect(check()).toBe("ok");
    clock.now = NOW - 3600;
    expect(check()).toBe("behind");
  });
});
