import { afterAll, describe, expect, test } from "vitest";
import { openAttackSuite } from "../support/attack-suite.ts";
import { algorithmAttacks } from "./attacks/algorithm.ts";
import { claimAttacks } from "./attacks/claims.ts";
import { confusionAttacks } from "./attacks/confusion.ts";
import { encodingAttacks } from "./attacks/encoding.ts";
import { encryptionAttacks } from "./attacks/encryption.ts";
import { headerAttacks } from "./attacks/header.ts";
import { issueAttacks } from "./attacks/issue.ts";
import { jsonAttacks } from "./attacks/json.ts";
import { keySelectionAttacks } from "./attacks/key-selection.ts";
import { kidAttacks } from "./attacks/kid.ts";
import { nestingAttacks } from "./attacks/nesting.ts";
import { purposeAttacks } from "./attacks/purpose.ts";
import { rsaAttacks } from "./attacks/rsa.ts";
import { serializationAttacks } from "./attacks/serialization.ts";
import { signatureAttacks } from "./attacks/signature.ts";
import { timeAttacks } from "./attacks/time.ts";

/** The attacks on a token that verification by itself must withstand, by their numbers in the list of attacks. */
const ROWS = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9],
  ...[13, 14, 15, 16, 17],
  ...[21, 22, 23, 24, 25, 26],
  ...[28, 29, 30, 31, 32, 33, 34, 35, 36, 37],
  ...[39, 40, 41, 45, 46],
];

const suite = await openAttackSuite();
afterAll(() => suite.close());

describe("signature and algorithm", () => {
  algorithmAttacks(suite);
  confusionAttacks(suite);
  signatureAttacks(suite);
  rsaAttacks(suite);
});

describe("key selection", () => {
  keySelectionAttacks(suite);
  kidAttacks(suite);
});

describe("format and encoding", () => {
  encodingAttacks(suite);
  serializationAttacks(suite);
  encryptionAttacks(suite);
  headerAttacks(suite);
  jsonAttacks(suite);
  nestingAttacks(suite);
});

describe("claims and purpose", () => {
  timeAttacks(suite);
  claimAttacks(suite);
  purposeAttacks(suite);
  issueAttacks(suite);
});

test("every row of the list has a test", () => {
  expect([...suite.covered].sort((a, b) => a - b)).toEqual(ROWS);
});
