import type fc from "fast-check";
import type { Random } from "../support/random.ts";

/** The outcome of an input: a word for the table, and whether it passed the first parser. */
export type Outcome = { what: string; isParsed: boolean };

/** How the inputs of a target are made, and what must hold for each. */
export type Target<Input> = {
  /** Well-formed inputs with hostile parts. */
  structured: fc.Arbitrary<Input>;
  /** Changes an input, sometimes with a part of another one. */
  mutate: (input: Input, random: Random, other: Input) => Input;
  /** Tries an input. Any error that it throws is a broken promise. */
  examine: (input: Input) => Outcome | Promise<Outcome>;
};

/** A broken promise. The message names it; the finding has the input. */
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
