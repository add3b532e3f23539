import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** What a document of the project shows in the one block of a language that has these words in it. */
export function blockOf(document: string, language: string, words: string): string {
  const text = readFileSync(join(ROOT, document), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const found = blocks.flatMap(([, of, code = ""]) => (of === language && code.includes(words) ? [code] : []));
  const [block] = found;
  if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks of ${document} have ${words}`);
  return block;
}

/** Puts other words in the place of some that must be there. */
export function replaceAll(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((changed, [words, others]) => {
    if (!changed.includes(words)) throw new Error(`there is no ${words}`);
    return changed.replaceAll(words, others);
  }, text);
}
