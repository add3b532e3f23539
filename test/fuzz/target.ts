import type fc from "fast-check";
import type { Random } from "../support/random.ts";

/** What came of one input: a word for the table, and whether it got past the first parser that it met. */
export type Outcome = { what: string; isParsed: boolean };

/** What is fuzzed: how its inputs are made, and what must be true of every one of them. */
export type Target<Input> = {
  /** Well-formed inputs with hostile parts. */
  structured: fc.Arbitrary<Input>;
  /** Changes an input, by chance with a part of another one. Changes bytes and knows what they mean as well. */
  mutate: (input: Input, random: Random, other: Input) => Input;
  /** Tries an input. Throws a {@link Violation}, or whatever else must not be thrown, where a promise is broken. */
  examine: (input: Input) => Outcome | Promise<Outcome>;
};

/** A promise that was broken. The message says which; what the input was, the finding says. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** A JSON text as `JSON.parse` reads it, or `undefined`. */
export function parseJson(text: Buffer | string): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
