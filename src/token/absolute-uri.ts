import { isHttpUrl } from "./http-url.ts";

/** A scheme and a part of the characters of a URI, percent-encoded ones included, without `#` (RFC 3986 §4.3 and §2). */
const ABSOLUTE_URI = /^[a-z][a-z0-9+.-]*:(?:[\w.~:/?[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i;
const HTTP = /^https?:/i;

/**
 * Whether a text is an absolute URI without a fragment, as a resource indicator must be (RFC 8707 §2). An http or https URL
 * must have a host and no credentials.
 */
export function isAbsoluteUri(text: string): boolean {
  if (!ABSOLUTE_URI.test(text)) return false;
  const [withoutQuery = ""] = text.split("?");
  return !HTTP.test(text) || isHttpUrl(withoutQuery);
}
