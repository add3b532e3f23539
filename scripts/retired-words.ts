/**
 * `npm run check` runs this: fails where a retired name or phrase stands in the source, the documents or the tests. The
 * standard term for each is in the right column; a new private word belongs into the left one.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const SELF = "scripts/retired-words.ts";

/** Parts of identifiers, such as `hear` in `hearTrust`, and what the field says instead. */
const NAMES: Record<string, string> = {
  "announces?|tells?|told|wakes?|woken": "notify",
  asks: "request, fetch",
  beyond: "violation",
  "books?|court|doors?|knocks?|siege": "ledger, oracle, endpoint, present, attack run",
  "cautious|steady": "retention, monotonic",
  "gates?": "authorize",
  hasten: "activateEarlier",
  "hears?|heard": "verifyCredentials, receive",
  "judges?": "oracle, verify",
  keeps: "runsMaintenance, retains",
  "learning|learns?": "retry, follow",
  "looks?|looked": "poll, read",
  "means|terms": "deps, parameters",
  "neighbours?": "peers",
  "patience|patient|patiently|sparingly": "timeout, coalesce",
  "reseal|resealed|seal|seals|unseal|unsealed": "wrap, rewrap, unwrap",
  "settles?": "resolve",
  turns: "rotations, rounds",
  upkeep: "maintenance",
  "witness|witnesses": "evidence, observation",
};

/** In comments, strings and documents. */
const PHRASES: Record<string, string> = {
  "\\bwhoever\\b": "a caller, a client, anyone who",
  "\\bof late\\b": "recently, stale",
  "\\bof those that\\b": "whose, those",
  "\\bwhat is past\\b": "expired rows",
  "\\b(?:is|are) to be (?:kept|told|asked|judged)\\b": "must be ...",
  "\\banew\\b": "again, re-encrypted",
  "\\bsomebody else\\b": "another caller, concurrently",
  "\\bsparingly\\b": "at most once in ...",
  "\\bpatien(?:ce|t|tly)\\b": "timeout",
  "\\b(?:re|un)seal(?:s|ed|ing)?\\b": "wrap, rewrap, unwrap",
  "\\bneighbours?\\b": "peers, adjacent",
  "\\b(?:hears?|heard)\\b": "receives",
  "\\b(?:wakes?|woken)\\b": "notifies",
  "\\b(?:tells|told)\\b": "notifies, reports",
};

const nameRules = Object.entries(NAMES).map(([words, term]) => ({ words: new RegExp(`^(?:${words})$`, "i"), term }));
const phraseRules = Object.entries(PHRASES).map(([phrase, term]) => ({ phrase: new RegExp(phrase, "gi"), term }));

type Finding = { position: number; word: string; term: string };

const PROSE = /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/gm;

const blank = (text: string) => text.replace(/[^\n]/g, " ");

/** A source without comments, strings and templates, which are prose. Every position stays. */
const codeOf = (source: string) => source.replace(PROSE, blank);

const proseOf = (source: string) => {
  const code = codeOf(source);
  return source
    .split("")
    .map((unit, at) => (code[at] === unit ? " " : unit))
    .join("");
};

const namesIn = (source: string): Finding[] =>
  [...codeOf(source).matchAll(/[A-Za-z_$][\w$]*/g)].flatMap(({ 0: word, index }) => {
    const parts = word.replace(/lookUp/i, "lookup").split(/(?<=[a-z])(?=[A-Z])|[_$\d]+/);
    const rule = nameRules.find(({ words }) => parts.some((part) => words.test(part)));
    return rule ? [{ position: index, word, term: rule.term }] : [];
  });

const phrasesIn = (text: string): Finding[] =>
  phraseRules.flatMap(({ phrase, term }) =>
    [...text.matchAll(phrase)].map((match) => ({ position: match.index, word: match[0], term })),
  );

const filesIn = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`);

const files = [...["src", "docs", "scripts", "test"].flatMap(filesIn), ...readdirSync(ROOT)]
  .filter((file) => /\.(?:ts|js|html|md)$/.test(file) && !/node_modules|findings\//.test(file) && file !== SELF)
  .toSorted();

const lines = files.flatMap((file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  const findings = file.endsWith(".ts") ? [...namesIn(text), ...phrasesIn(proseOf(text))] : phrasesIn(text);
  return findings
    .toSorted((a, b) => a.position - b.position)
    .map(({ position, word, term }) => `${file}:${text.slice(0, position).split("\n").length}  ${word}  →  ${term}`);
});

if (lines.length > 0) {
  process.stderr.write(`${lines.join("\n")}\n${lines.length} retired names and phrases\n`);
  process.exitCode = 1;
}
