import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { parseJsonObject } from "../../../src/token/json.ts";
import { anyCharacter } from "../../support/any-character.ts";
import { mutate } from "../mutate.ts";
import { readStrictly } from "../strict-json.ts";
import { type Outcome, parseJson, type Target, Violation } from "../target.ts";

const names = fc.oneof(
  fc.constantFrom("a", "sub", "__proto__", "toJSON", "", "\ud800", "é"),
  fc.string({ unit: anyCharacter, maxLength: 6 }),
);
const objects = fc.dictionary(names, fc.jsonValue({ maxDepth: 5, stringUnit: anyCharacter }), { maxKeys: 6 });

/** The parser of JSON in tokens, compared with one that follows the grammar. */
export const jsonTarget: Target<{ bytes: Buffer }> = {
  structured: fc
    .tuple(objects, fc.nat(18), fc.nat(2))
    .map(
      ([object, depth, spaces]) =>
        `${'{"x":'.repeat(depth)}${JSON.stringify(object, null, spaces)}${"}".repeat(depth)}`,
    )
    .map((text) => ({ bytes: Buffer.from(text) })),

  mutate: ({ bytes }, random, other) => ({ bytes: mutate(bytes, random, other.bytes) }),

  examine({ bytes }): Outcome {
    const [read, strictly] = [parseJsonObject(bytes), readStrictly(bytes)];
    if (!isDeepStrictEqual(read, strictly))
      throw new Violation("reads what two readers understand differently, or refuses what both do not");
    if (Object.getPrototypeOf({}).x !== undefined) throw new Violation("changes the prototype of all objects");
    return { what: read === undefined ? "refused" : "read", isParsed: parseJson(bytes) !== undefined };
  },
};
