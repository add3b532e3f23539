import { de } from "./de.ts";
import { en, type Words } from "./en.ts";

/** The words of each language. The first is used where no other is wanted. */
export const LANGUAGES = { en, de } satisfies Record<string, Words>;

export type Language = keyof typeof LANGUAGES;

/** Longest header that is read, in characters. The rest is ignored. */
const MAX_LENGTH = 500;

/** A language range (RFC 4647 §2.1) with its weight (RFC 9110 §12.4.2). */
const RANGE = /^(\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

type Range = { language: string; weight: number };

/**
 * The language of pages for an `Accept-Language` header (RFC 9110 §12.5.4): that of the greatest weight, the first of several.
 * `de-AT` wants German (RFC 4647 §3.4). A malformed range is ignored. English where none is wanted.
 */
export function languageOf(acceptLanguage: string | undefined): Language {
  const ranges = (acceptLanguage ?? "").slice(0, MAX_LENGTH).split(",").flatMap(readRange);
  const known = Object.keys(LANGUAGES) as Language[];
  const [best] = known.map((language) => ({ language, ...rankOf(language, ranges) })).toSorted(byRank);
  return best !== undefined && best.weight > 0 ? best.language : "en";
}

function readRange(text: string): Range[] {
  const [, language, weight = "1"] = RANGE.exec(text.trim()) ?? [];
  return language === undefined ? [] : [{ language: language.toLowerCase(), weight: Number(weight) }];
}

type Rank = { weight: number; position: number };

/** A language that is named takes the weight of `*` from nowhere: `*` stands for those that are not. */
function rankOf(language: string, ranges: readonly Range[]): Rank {
  const ranksOf = (name: string) =>
    ranges.flatMap((range, position) => (range.language === name ? [{ weight: range.weight, position }] : []));
  const own = ranksOf(language);
  const [rank] = (own.length > 0 ? own : ranksOf("*")).toSorted(byRank);
  return rank ?? { weight: 0, position: ranges.length };
}

function byRank(a: Rank, b: Rank): number {
  return b.weight - a.weight || a.position - b.position;
}
