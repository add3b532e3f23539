/** Stricter than the URL parser, which accepts `https:tokens.example`, line breaks, an empty query and spaces. */
const HTTP_URL = /^https?:\/\/[^\s\\/?#@]+(?:\/[^\s\\?#]*)?$/i;

/**
 * Whether a text is an absolute http or https URL without query, fragment and credentials. Not by `URL.canParse`: in Node 20
 * it returns true for some invalid URLs with bytes above 127, once it is compiled.
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

/** The path that is added to the base URL of a service, also with a procedure, as users copy it. */
const ENDPOINT = /\/trpc(?:\/(?:events|[a-z]+Token))?\/*$/;

/**
 * The error of a base URL, or base path, that includes `/trpc`, as the end of a sentence; else `undefined`. It quotes the
 * URL, which must have neither credentials nor a query.
 */
export function validateServiceUrl(url: string): string | undefined {
  const isPath = url === "" || url.startsWith("/");
  const { origin, pathname } = new URL(url, isPath ? "http://page" : undefined);
  const end = ENDPOINT.exec(pathname);
  if (end === null) return undefined;
  const prefix = pathname.slice(0, end.index);
  return `must be without /trpc, which is added to it: ${isPath ? prefix || "/" : `${origin}${prefix}`}`;
}

/** A URL without a slash at its end: what paths are appended to. */
export function baseOf(url: string): string {
  return url.replace(/\/+$/, "");
}
