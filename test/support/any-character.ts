import fc from "fast-check";

/** Surrogates are no characters. */
const SURROGATES = 0x800;

/**
 * Any character of Unicode, as the unit of texts. The unit `binary` of fast-check is the same, and takes seconds and 100 MB to
 * make in each process.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .nat(0x10ffff - SURROGATES)
  .map((number) => String.fromCodePoint(number < 0xd800 ? number : number + SURROGATES));
