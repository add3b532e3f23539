import { blocksIn } from "./documents.ts";

/** The code of the one block of a document in a language that contains some words. */
export function blockOf(document: string, language: string, words: string): string {
  const found = blocksIn(document).filter((block) => block.language === language && block.code.includes(words));
  const [block] = found;
  if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks of ${document} have ${words}`);
  return block.code;
}

/** Replaces words, each of which must occur. */
export function replaceAll(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((changed, [words, others]) => {
    if (!changed.includes(words)) throw new Error(`there is no ${words}`);
    return changed.replaceAll(words, others);
  }, text);
}
