/** More than the parser of URLs demands, which takes `https:tokens.example`, drops line breaks and an empty query, and writes spaces anew. */
const HTTP_URL = /^https?:\/\/[^\s\\/?#@]+(?:\/[^\s\\?#]*)?$/i;

/**
 * Whether a text is an absolute http or https URL without query, fragment and credentials. Not by `URL.canParse`: once it is
 * compiled, that of Node 20 says yes to what is no URL, where it has bytes above 127.
 */
export function isHttpUrl(text: string): boolean {
  if (!HTTP_URL.test(text)) return false;
  try {
    const { protocol, search, hash, username, password } = new URL(text);
    return /^https?:$/.test(protocol) && `${search}${hash}${username}${password}` === "";
  } catch {
    return false;
  }
}
