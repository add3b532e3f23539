const QUOTE = /^["'`\p{Pi}\p{Pf}\u201A\u201E\u301D-\u301F\uFF02\uFF07]$/u;
const LINE_BREAK = /^[\n\r\v\f\u0085\u2028\u2029]$/;
const CONTROL_CHARACTER = /\p{Cc}/u;
const WHITE_SPACE = /^[\s\p{Z}]$/u;
const BYTE_ORDER_MARK = "\uFEFF";
/** Marks of direction, joiners, fillers: what nobody sees in an editor. */
const INVISIBLE = /^[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]$/u;

/** What Kubernetes, Compose and shells leave as it is where they do not replace it. */
const REFERENCE = /\$\([A-Za-z_]\w*\)|\$\{[A-Za-z_]\w*\}/;

/**
 * Says what is wrong with a text that is to be the value of a variable, whatever it is for, as the end of a sentence that
 * begins with its name: `begins with a quotation mark: remove it`. Such a value would be used as it stands, for
 * another key or an issuer that no token can carry. Repeats nothing of the text. Returns `undefined` for a sound one.
 */
export function validateJsonText(text: string): string | undefined {
  // What is read from bytes that are not UTF-8 has U+FFFD in their place, so different bytes would be the same secret.
  if (!text.isWellFormed() || text.includes("\uFFFD")) return "has bytes that are not UTF-8: write it anew";
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

/** Names a character that no value begins or ends with. */
function nameOf(character = ""): string | undefined {
  if (character === BYTE_ORDER_MARK) return "a byte order mark (U+FEFF)";
  if (QUOTE.test(character)) return "a quotation mark";
  if (LINE_BREAK.test(character)) return "a line break";
  if (WHITE_SPACE.test(character)) return "white space";
  if (CONTROL_CHARACTER.test(character)) return "a control character";
  if (INVISIBLE.test(character)) return "an invisible character";
  return undefined;
}
