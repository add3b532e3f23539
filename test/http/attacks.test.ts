import { afterAll, expect, test } from "vitest";
import { openHttpAttackSuite } from "../support/http-attacks.ts";
import { batchAttacks } from "./attacks/batches.ts";
import { connectionAttacks } from "./attacks/connections.ts";
import { credentialAttacks } from "./attacks/credentials.ts";
import { framingAttacks } from "./attacks/framing.ts";
import { inputAttacks } from "./attacks/input.ts";
import { leakAttacks } from "./attacks/leaks.ts";
import { pageAttacks } from "./attacks/pages.ts";
import { ROWS } from "./attacks/rows.ts";
import { sizeAttacks } from "./attacks/sizes.ts";

const suite = await openHttpAttackSuite(ROWS);
afterAll(() => suite[Symbol.asyncDispose]());

batchAttacks(suite);
sizeAttacks(suite);
framingAttacks(suite);
inputAttacks(suite);
pageAttacks(suite);
leakAttacks(suite);
credentialAttacks(suite);
connectionAttacks(suite);

test("every row of the list has a test", () => {
  expect(suite.uncovered()).toEqual([]);
});
