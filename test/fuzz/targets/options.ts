import fc from "fast-check";
import { StartError } from "../../../src/errors.ts";
import { createVerifier } from "../../../src/verifier/verifier.ts";
import { anyCharacter } from "../../support/any-character.ts";
import { ISSUER } from "../../support/service.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { mutatedText } from "../tokens.ts";

const anything = fc.oneof(
  fc.constantFrom<unknown>(
    ...[undefined, null, "", "http://127.0.0.1:3000", "ftp://x", "http://a:b@x", "x", 0, -1, 30, Number.NaN, Infinity],
    ...[true, {}, []],
  ),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.func(fc.anything()),
);
const optionNames =
  "issuer audience url claims secret credentials maxStaleness onStale clockTolerance follow clock".split(" ");

/** The options of `createVerifier`: they make a verifier, or one line names the wrong one. */
export const optionsTarget: Target<{ options: Record<string, unknown> }> = {
  structured: fc
    .dictionary(fc.constantFrom(...optionNames, "__proto__", "isuer"), anything, { maxKeys: 3, noNullPrototype: true })
    .map((changes) => ({ options: { issuer: ISSUER, audience: ISSUER, ...changes } })),

  mutate: ({ options }, random, other) => {
    const name = random.pick(optionNames);
    const value = options[name];
    return {
      options: {
        ...options,
        [name]: typeof value === "string" ? mutatedText(value, random, ISSUER) : other.options[name],
      },
    };
  },

  examine({ options }): Outcome {
    try {
      createVerifier({ fetch: () => new Promise(() => {}), ...options } as never).close();
      return { what: "a verifier", isParsed: true };
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (!/^(?:createVerifier: |claims must )[^\n]{1,120}$/.test(error.message))
        throw new Violation(`says no line that helps: ${error.message}`);
      return { what: error.message.split(" ")[1] ?? "", isParsed: true };
    }
  },
};
