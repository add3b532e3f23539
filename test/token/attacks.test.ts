import { afterAll, describe, expect, test } from "vitest";
import { openAttackSuite } from "../support/attack-suite.ts";
import { ATTACKS } from "./attacks/attacks.ts";

/** The attacks that verification alone must refuse, by their numbers in the list of attacks. */
const ROWS = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9],
  ...[11, 13, 14, 15, 16, 17],
  ...[21, 22, 23, 24, 25, 26, 27],
  ...[28, 29, 30, 31, 32, 33, 34, 35, 36, 37],
  ...[39, 40, 41, 45, 46],
];

const suite = await openAttackSuite();
afterAll(() => suite.close());

for (const [topic, attacks] of Object.entries(ATTACKS)) {
  describe(topic, async () => {
    for (const attack of attacks) await attack(suite);
  });
}

test("every row of the list has a test", () => {
  expect([...suite.covered].sort((a, b) => a - b)).toEqual(ROWS);
});
