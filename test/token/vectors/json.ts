import { expect, test } from "vitest";
import { isPlainObject, parseJsonObject } from "../../../src/token/json.ts";
import { type Forge, forge, goodClaims } from "../../support/forge.ts";
import { expectRefused, failureOf, verify } from "../../support/refusal.ts";
import { describeVectors, listVectors, readVector } from "../../support/vectors.ts";

/** Valid JSON that is refused: duplicate names (RFC 7515 §4). */
const REPEATED = new Set([
  "y_object_duplicated_key.json",
  "y_object_duplicated_key_and_value.json",
  "object_same_key_different_values.json",
  "object_same_key_same_value.json",
  "object_same_key_unclear_values.json",
]);

/** Valid JSON that is refused: numbers above 2^53 - 1 (RFC 7493 §2.2). */
const TOO_LARGE = new Set([
  "y_number.json",
  "y_number_real_capital_e.json",
  "y_number_real_exponent.json",
  "y_number_real_fraction_exponent.json",
  "y_object_extreme_numbers.json",
]);

/** Number of objects in the two folders of the suite; every other file is a list, a single value or invalid. */
const OBJECTS = { test_parsing: 9, test_transform: 2 };

/** The bytes as the value of an additional claim, after valid ones. */
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

      test(`parseJsonObject parses the ${objects} valid objects of ${folder} and nothing else`, () => {
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

    test("parseJsonObject refuses every invalid file, alone and as the value of a claim", async () => {
      const invalid = files.filter(({ name }) => name.startsWith("n_"));
      expect(invalid).toHaveLength(188);
      for (const { name, bytes } of invalid) {
        expect(parseJsonObject(bytes), name).toBeUndefined();
        expect(parseJsonObject(asClaim(bytes)), name).toBeUndefined();
        await expectRefused(forge(by, { payload: asClaim(bytes) }), by);
      }
    });

    test("parseJsonObject parses every valid object without duplicate names and without numbers above 2^53 - 1", () => {
      const valid = files.filter(({ name }) => name.startsWith("y_"));
      expect(valid).toHaveLength(95);
      for (const { name, bytes } of valid) {
        const value: unknown = JSON.parse(bytes.toString("utf8"));
        const expected = isPlainObject(value) && !REPEATED.has(name) && !TOO_LARGE.has(name) ? value : undefined;
        expect(parseJsonObject(bytes), name).toEqual(expected);
      }
    });

    test("verifyAccessToken returns every other valid file as the value of a claim", async () => {
      for (const { name, bytes } of files.filter(({ name }) => name.startsWith("y_"))) {
        const token = forge(by, { payload: asClaim(bytes) });
        if (REPEATED.has(name) || TOO_LARGE.has(name)) await expectRefused(token, by);
        else expect((await verify(token, by)).x, name).toEqual(JSON.parse(bytes.toString("utf8")));
      }
    });

    test("verifyAccessToken either returns or refuses every file on which parsers may differ", async () => {
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
