import { expect, test } from "vitest";
import { isPlainObject, parseJsonObject } from "../../../src/token/json.ts";
import { type Forge, forge, goodClaims } from "../../support/forge.ts";
import { expectRefused, failureOf, verify } from "../../support/refusal.ts";
import { describeVectors, listVectors, readVector } from "../../support/vectors.ts";

/** Files that must parse as JSON, yet break a rule of ours: no object may name a member twice (RFC 7515 §4). */
const REPEATED = new Set([
  "y_object_duplicated_key.json",
  "y_object_duplicated_key_and_value.json",
  "object_same_key_different_values.json",
  "object_same_key_same_value.json",
  "object_same_key_unclear_values.json",
]);

/** And these break another: beyond 2^53 - 1 different integers are one number (RFC 7493 §2.2). */
const BEYOND = new Set([
  "y_number.json",
  "y_number_real_capital_e.json",
  "y_number_real_exponent.json",
  "y_number_real_fraction_exponent.json",
  "y_object_extreme_numbers.json",
]);

/** Objects that parse, by the two folders of the suite; every other file is a list, a bare value or no JSON. */
const OBJECTS = { test_parsing: 9, test_transform: 2 };

/** The bytes as the value of one more claim, behind claims that are good. */
function asClaim(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(goodClaims()).slice(0, -1)},"x":`), bytes, Buffer.from("}")]);
}

export function jsonVectors(by: Forge): void {
  describeVectors("JSONTestSuite", () => {
    for (const [folder, objects] of Object.entries(OBJECTS)) {
      const files = listVectors(`JSONTestSuite/${folder}`).map((name) => ({
        name,
        bytes: readVector(`JSONTestSuite/${folder}/${name}`),
      }));

      test(`verifyAccessToken refuses each file of ${folder} for a payload and for a header`, async () => {
        for (const { bytes } of files) {
          await expectRefused(forge(by, { payload: bytes }), by);
          await expectRefused(forge(by, { header: bytes }), by);
        }
      });

      test(`parseJsonObject reads the ${objects} sound objects of ${folder} and nothing else`, () => {
        const read = files.filter(({ bytes }) => parseJsonObject(bytes) !== undefined);
        for (const { name, bytes } of read) {
          expect(name).not.toMatch(/^n_/);
          expect(parseJsonObject(bytes)).toEqual(JSON.parse(bytes.toString("utf8")));
        }
        expect(read).toHaveLength(objects);
      });
    }

    const files = listVectors("JSONTestSuite/test_parsing").map((name) => ({
      name,
      bytes: readVector(`JSONTestSuite/test_parsing/${name}`),
    }));

    test("parseJsonObject refuses every file that must be refused, as it is and as a claim's value", async () => {
      const invalid = files.filter(({ name }) => name.startsWith("n_"));
      expect(invalid).toHaveLength(188);
      for (const { name, bytes } of invalid) {
        expect(parseJsonObject(bytes), name).toBeUndefined();
        expect(parseJsonObject(asClaim(bytes)), name).toBeUndefined();
        await expectRefused(forge(by, { payload: asClaim(bytes) }), by);
      }
    });

    test("parseJsonObject reads every file that must parse and is an object that names nothing twice and has no number beyond 2^53 - 1", () => {
      const valid = files.filter(({ name }) => name.startsWith("y_"));
      expect(valid).toHaveLength(95);
      for (const { name, bytes } of valid) {
        const value: unknown = JSON.parse(bytes.toString("utf8"));
        const expected = isPlainObject(value) && !REPEATED.has(name) && !BEYOND.has(name) ? value : undefined;
        expect(parseJsonObject(bytes), name).toEqual(expected);
      }
    });

    test("verifyAccessToken gives back every file that must parse and breaks no rule of ours when it is a claim's value", async () => {
      for (const { name, bytes } of files.filter(({ name }) => name.startsWith("y_"))) {
        const token = forge(by, { payload: asClaim(bytes) });
        if (REPEATED.has(name) || BEYOND.has(name)) await expectRefused(token, by);
        else expect((await verify(token, by)).x, name).toEqual(JSON.parse(bytes.toString("utf8")));
      }
    });

    test("verifyAccessToken either gives back or refuses every file on which parsers may differ", async () => {
      for (const { name, bytes } of files.filter(({ name }) => name.startsWith("i_"))) {
        const token = forge(by, { payload: asClaim(bytes) });
        const outcome = await verify(token, by).catch(() => undefined);
        if (outcome === undefined)
          expect(await failureOf(verify(token, by)), name).toMatchObject({ reason: "invalid_token" });
        else expect(outcome.x, name).toEqual(JSON.parse(bytes.toString("utf8")));
      }
    });
  });
}
