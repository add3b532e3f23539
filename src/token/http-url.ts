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

/** What is added to the URL of a service, and with what of it people copy the URL: the procedures that are most called. */
const ENDPOINT = /\/trpc(?:\/(?:events|[a-z]+Token))?\/*$/;

/**
 * Says what is wrong with the URL of a service, or the path of one, that goes on to where the service is called, as the end
 * of a sentence; `undefined` of any other. The URL must have neither credentials nor a query: it is quoted.
 */
export function validateServiceUrl(url: string): string | undefined {
  const isPath = url === "" || url.startsWith("/");
  const { origin, pathname } = new URL(url, isPath ? "http://page" : undefined);
  const end = ENDPOINT.exec(pathname);
  if (end === null) return undefined;
  const prefix = pathname.slice(0, end.index);
  return `must be without /trpc, which is added to it: ${isPath ? prefix || "/" : `${origin}${prefix}`}`;
}
