const QUOTE = /^["'`\p{Pi}\p{Pf}\u201A\u201E\u301D-\u301F\uFF02\uFF07]$/u;
const LINE_BREAK = /^[\n\r\v\f\u0085\u2028\u2029]$/;
const CONTROL_CHARACTER = /\p{Cc}/u;
const WHITE_SPACE = /^[\s\p{Z}]$/u;
const BYTE_ORDER_MARK = "\uFEFF";
/** Marks of direction, joiners, fillers: invisible in an editor. */
const INVISIBLE = /^[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]$/u;

/** A reference that Kubernetes, Compose or a shell did not replace. */
const REFERENCE = /\$\([A-Za-z_]\w*\)|\$\{[A-Za-z_]\w*\}/;

/**
 * Returns the fault of a text as the value of any variable, to follow its name in a message: `begins with a quotation
 * mark: remove it`. Unnoticed, it would make another key, or an issuer that no token can carry. Never quotes the text.
 */
export function validateJsonText(text: string): string | undefined {
  // Node decodes invalid UTF-8 as U+FFFD: different bytes would be the same secret.
  if (!text.isWellFormed() || text.includes("\uFFFD")) return "has bytes that are not UTF-8: write it again";
  const characters = Array.from(text);
  const first = nameOf(characters.at(0));
  if (first !== undefined) return `begins with ${first}: remove it`;
  const last = nameOf(characters.at(-1));
  if (last !== undefined) return `ends with ${last}: remove it`;
  if (characters.some((character) => LINE_BREAK.test(character))) return "has a line break within: remove it";
  if (CONTROL_CHARACTER.test(text)) return "has a control character within: remove it";
  if (REFERENCE.test(text)) return "has a reference to another variable that nothing replaced: write the value itself";
  return undefined;
}

/** The name of a character with which no value begins or ends. */
function nameOf(character = ""): string | undefined {
  if (character === BYTE_ORDER_MARK) return "a byte order mark (U+FEFF)";
  if (QUOTE.test(character)) return "a quotation mark";
  if (LINE_BREAK.test(character)) return "a line break";
  if (WHITE_SPACE.test(character)) return "white space";
  if (CONTROL_CHARACTER.test(character)) return "a control character";
  if (INVISIBLE.test(character)) return "an invisible character";
  return undefined;
}
