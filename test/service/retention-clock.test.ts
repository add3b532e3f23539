import { expect, it } from "vitest";
import { createRetentionClock } from "../../src/service/operations/prunes.ts";
import { NOW } from "../support/service.ts";

it("a retention clock returns undefined for an hour, then a time that is certainly past", () => {
  const real = { monotonic: 0, ahead: 0 };
  const retentionClock = createRetentionClock(
    () => NOW + real.monotonic + real.ahead,
    () => real.monotonic,
  );
  const minutesLater = (minutes: number) => {
    let returned: number | undefined;
    for (let minute = 0; minute < minutes; minute += 1) {
      real.monotonic += 60;
      returned = retentionClock();
    }
    return returned;
  };
  retentionClock();
  expect(minutesLater(59)).toBeUndefined();
  expect(minutesLater(1)).toBe(NOW);
  expect(minutesLater(60)).toBe(NOW + 3600);
  // A clock that jumps a year ahead and is corrected within the hour has no effect.
  real.ahead = 366 * 86400;
  expect(minutesLater(50)).toBe(NOW + 7200 - 600);
  real.ahead = 0;
  expect(minutesLater(120)).toBe(NOW + real.monotonic - 3600);
  real.ahead = -1000;
  expect(minutesLater(1)).toBe(NOW + real.monotonic - 1000 - 3600 + 1000);
});
