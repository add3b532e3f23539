/** Ids of keys, tokens, grants and clients have 20 random characters or more. */
const ID = /^-[\w-]{19,}$/;

/** Of 10^11 ids, one is spelled like an option. */
const OPTION = /^--[a-z]+(?:-[a-z]+)*$/;

/**
 * Moves an id that begins with a hyphen, as one of 64 does, behind `--`: it is no option. The value of an option stays where
 * it is.
 */
export function separateIds(words: readonly string[]): string[] {
  const isOperand = (word: string, at: number) =>
    ID.test(word) && !OPTION.test(word) && !words[at - 1]?.startsWith("--");
  const ids = words.filter(isOperand);
  if (ids.length === 0 || words.includes("--")) return [...words];
  return [...words.filter((word, at) => !isOperand(word, at)), "--", ...ids];
}
