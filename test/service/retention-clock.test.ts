import { expect, it } from "vitest";
import { createRetentionClock } from "../../src/service/operations/prunes.ts";
import { NOW } from "../support/service.ts";

it("a cautious clock tells nothing for an hour, then a time that is past for certain", () => {
  const real = { steady: 0, ahead: 0 };
  const cautious = createRetentionClock(
    () => NOW + real.steady + real.ahead,
    () => real.steady,
  );
  const minutesLater = (minutes: number) => {
    let told: number | undefined;
    for (let minute = 0; minute < minutes; minute += 1) {
      real.steady += 60;
      told = cautious();
    }
    return told;
  };
  cautious();
  expect(minutesLater(59)).toBeUndefined();
  expect(minutesLater(1)).toBe(NOW);
  expect(minutesLater(60)).toBe(NOW + 3600);
  // A clock that jumps a year ahead and is set right within the hour is not believed at any time.
  real.ahead = 366 * 86400;
  expect(minutesLater(50)).toBe(NOW + 7200 - 600);
  real.ahead = 0;
  expect(minutesLater(120)).toBe(NOW + real.steady - 3600);
  real.ahead = -1000;
  expect(minutesLater(1)).toBe(NOW + real.steady - 1000 - 3600 + 1000);
});
