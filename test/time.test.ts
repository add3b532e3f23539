import { expect, expectTypeOf, it } from "vitest";
import { type Milliseconds, type Seconds, systemClock } from "../src/time.ts";

it("gives the current moment in whole seconds since 1970", () => {
  const before = Math.floor(Date.now() / 1000);
  expect(systemClock()).toBeGreaterThanOrEqual(before);
  expect(systemClock()).toBeLessThanOrEqual(Date.now() / 1000);
  expect(Number.isInteger(systemClock())).toBe(true);
});

it("refuses seconds for milliseconds and milliseconds for seconds, and accepts plain numbers for both", () => {
  const inSeconds = (value: Seconds) => value;
  const inMilliseconds = (value: Milliseconds) => value;
  const seconds = inSeconds(2);
  const milliseconds = inMilliseconds(2000);
  // @ts-expect-error seconds for milliseconds
  inMilliseconds(seconds);
  // @ts-expect-error milliseconds for seconds
  inSeconds(milliseconds);
  // @ts-expect-error a clock of milliseconds for a clock of seconds
  const clock: () => Seconds = () => milliseconds;
  // @ts-expect-error optional seconds for milliseconds
  const options: { timeout?: Milliseconds } = { timeout: seconds };
  expect([clock(), options.timeout]).toEqual([2000, 2]);
  expect(inMilliseconds(seconds * 1000)).toBe(milliseconds);
  expect(inSeconds(milliseconds / 1000)).toBe(seconds);
  expect(inSeconds(Math.max(seconds, 1))).toBe(2);
  expectTypeOf<number>().toExtend<Seconds>();
  expectTypeOf<number>().toExtend<Milliseconds>();
  expectTypeOf<Seconds>().toExtend<number>();
});
