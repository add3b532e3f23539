/**
 * Characters that show nothing, or change how others are shown: controls, line and paragraph separators, direction marks
 * (UAX #9), joiners, zero-width spaces, tags, variation selectors and fillers. Two texts that differ in them alone look
 * alike, and a terminal obeys some of them.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const EACH_INVISIBLE = new RegExp(INVISIBLE, "gu");

export function hasInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}

/**
 * Whether a text is what it looks like: it has no invisible character, and neither begins nor ends with white space. What
 * many places must write alike, such as an issuer or an audience, is compared byte by byte.
 */
export function isPlainText(text: string): boolean {
  return !hasInvisible(text) && !EDGE.test(text);
}

const EDGE = /^[\s\p{Z}\u2800]|[\s\p{Z}\u2800]$/u;

export const PLAIN_TEXT =
  "must have no direction marks or other invisible characters, and no white space at its beginning or end";

/**
 * Replaces invisible characters, line breaks too, by escapes as in JSON, such as `\u202e`: what others have chosen can
 * then be printed on a terminal. In JSON text the escapes mean the same characters.
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
