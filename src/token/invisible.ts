/**
 * Characters that are invisible or change the display of others: controls, line and paragraph separators, direction marks
 * (UAX #9), joiners, zero-width spaces, tags, variation selectors and fillers. Texts that differ only in them look alike, and
 * terminals interpret some of them.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const EACH_INVISIBLE = new RegExp(INVISIBLE, "gu");

export function hasInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}

/**
 * Whether a text has no invisible character and no white space at its ends. For texts that are configured in many places and
 * compared byte by byte, such as an issuer or an audience.
 */
export function isPlainText(text: string): boolean {
  return !hasInvisible(text) && !EDGE.test(text);
}

const EDGE = /^[\s\p{Z}\u2800]|[\s\p{Z}\u2800]$/u;

export const PLAIN_TEXT =
  "must have no direction marks or other invisible characters, and no white space at its beginning or end";

/**
 * Replaces invisible characters, line breaks too, by JSON escapes such as `\u202e`: text of other parties can then be
 * printed on a terminal. JSON text keeps its meaning.
 */
export function escapeInvisible(text: string): string {
  return text.replace(EACH_INVISIBLE, escapeUnits);
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16).padStart(4, "0");
    return `\\u${unit}`;
  }).join("");
}
