import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { StartError } from "../../errors.ts";

/** Whether an address or name is loopback. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^::ffff:(?=127\.)/i, "");
  return host === "localhost" || host === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

export function isLoopbackUrl(url: string): boolean {
  return isLoopback(hostname(url) ?? "");
}

/** Whether a request has several headers of a name, given in lower case. Node keeps the first; a proxy may have used another. */
export function isRepeated({ rawHeaders }: IncomingMessage, name: string): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const raw = rawHeaders[at];
    if (raw?.length === name.length && raw.toLowerCase() === name) count += 1;
  }
  return count > 1;
}

/**
 * Makes the check that a request was sent to a loopback name or to the issuer's, and not through a local proxy from another
 * machine. Where access is open, this stops DNS rebinding: a page whose name resolves to 127.0.0.1. `authority` is the host
 * of an absolute target, which must pass too.
 */
export function createHostCheck(issuer: string): (request: IncomingMessage, authority?: string) => boolean {
  const own = hostname(issuer);
  const isAllowed = (name: string | undefined) => {
    const target = hostname(`http://${name}`);
    return target !== undefined && (isLoopback(target) || target === own);
  };
  // Nearly every request has the same Host, and parsing a URL is slow.
  let lastAllowed: string | undefined;
  return ({ headers: { host, "x-forwarded-for": forwardedFor } }, authority) => {
    if (forwardedFor !== undefined && !isForwardedLocally(String(forwardedFor))) return false;
    if (authority !== undefined && !isAllowed(authority)) return false;
    if (host === undefined && authority !== undefined) return true;
    if (host !== undefined && host === lastAllowed) return true;
    const isAllowedName = isAllowed(host);
    if (isAllowedName) lastAllowed = host;
    return isAllowedName;
  };
}

/** Whether every client that a proxy names is loopback, as behind a development server. */
function isForwardedLocally(forwardedFor: string): boolean {
  return forwardedFor.split(",").every((address) => isLoopback(address.trim().replace(/^::ffff:/, "")));
}

export type CrossSiteOptions = {
  /** Whether access is open: then this check is all that stops a page. */
  open: boolean;
  /** Whether the origin of a request is on the list of allowed origins. */
  isNamed: (request: IncomingMessage) => boolean;
};

const STRICT: CrossSiteOptions = { open: true, isNamed: () => false };

/**
 * Makes the check whether a page of another site sent a request (CSRF). Programs send neither header. Pages of the issuer
 * pass whatever Host a proxy sets.
 *
 * A browser sends `Sec-Fetch-Site: same-origin` by the URL that it fetched, so no page of another site can send it. With an
 * Origin that differs from Host, a proxy changed Host, as development servers do. Where access is open, that Origin must be
 * loopback too: a name rebound to such a proxy is same-origin, and the proxy hides it from the Host check.
 */
export function createCrossSiteCheck(
  issuer: string,
  { open, isNamed }: CrossSiteOptions = STRICT,
): (request: IncomingMessage) => boolean {
  const own = parseUrl(issuer)?.host;
  return (request) => {
    const { headers } = request;
    const { origin, "sec-fetch-site": site } = headers;
    if (isNamed(request)) return false;
    if (site !== undefined && site !== "same-origin" && site !== "none") return true;
    if (origin === undefined) return false;
    const from = parseUrl(origin);
    if (from === undefined) return true;
    if (from.host === own || from.host === parseUrl(`http://${headers.host}`)?.host) return false;
    return site !== "same-origin" || (open && !isLoopbackUrl(origin));
  };
}

/**
 * Makes the check whether a form of the pages on which people decide came from elsewhere (CSRF): `SameSite=Lax` admits other
 * hosts of the site, and `Sec-Fetch-Site: none` has no page that the person read. Not checked: the token of the form.
 */
export function createForeignFormCheck(issuer: string): (request: IncomingMessage) => boolean {
  const isCrossSite = createCrossSiteCheck(issuer);
  return (request) => request.headers["sec-fetch-site"] === "none" || isCrossSite(request);
}

/** Whether the browser says that no page of this origin sent a request. */
export function isFromElsewhere({ headers: { "sec-fetch-site": site } }: IncomingMessage): boolean {
  return site !== undefined && site !== "same-origin";
}

/** The rule for allowed origins, for messages. */
export const ORIGINS =
  "must be origins as browsers send them, such as https://app.example or http://localhost:5173: scheme, host and port alone, and http for this machine only";

/** A host in an origin. The URL standard allows an asterisk in a name. */
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])$/;

/** Whether a text is exactly an origin, and https or loopback: an attacker on the network can write http pages. */
export function isOrigin(text: string): boolean {
  const url = parseUrl(text);
  if (url?.origin !== text || !HOST.test(url.hostname)) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLocalHost(url));
}

/** Whether an origin is loopback. No page of another machine has it. */
export function isLoopbackOrigin(text: string): boolean {
  const url = parseUrl(text);
  return url?.origin === text && isLocalHost(url);
}

/** Browsers resolve every name below `localhost` to loopback (RFC 6761 §6.3). */
function isLocalHost({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[|\]$/g, "")) || hostname.endsWith(".localhost");
}

export type OriginList = {
  /** Whether no origin is allowed, so that answers do not depend on it. */
  isEmpty: boolean;
  /** Whether a page of an allowed origin sent a request. */
  names: (request: IncomingMessage) => boolean;
};

/** Makes the list of origins whose pages may call. Throws a {@link StartError} for an invalid one. */
export function createOriginList(origins: readonly string[], { open }: { open: boolean }): OriginList {
  if (!origins.every(isOrigin)) throw new StartError(`origins ${ORIGINS}`);
  if (open && !origins.every(isLoopbackOrigin))
    throw new StartError("Access is open, so origins must be loopback: their pages have every permission");
  const named = new Set(origins);
  return { isEmpty: named.size === 0, names: ({ headers: { origin } }) => origin !== undefined && named.has(origin) };
}

/** Beside what a page may always send. Never cookies or other credentials of the browser. */
const REQUEST_HEADERS =
  "authorization, cache-control, content-type, last-event-id, traceparent, tracestate, trpc-accept, x-request-id, x-requested-with, x-trpc-source";
const RESPONSE_HEADERS = "retry-after, www-authenticate, x-request-id";

/** Seconds for which a browser caches a preflight. Chromium's limit. */
const MAX_AGE = "7200";

/** Allows a page of a named origin to read the answer (Fetch standard §3.2), or to send what its preflight describes. */
export function admitOrigin(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", request.headers.origin ?? "");
  response.setHeader("access-control-expose-headers", RESPONSE_HEADERS);
  if (isPreflight(request)) allow(response, { methods: "GET, POST", headers: REQUEST_HEADERS });
}

/** Allows pages of every origin to read a public document. */
export function admitAnyOrigin(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  if (isPreflight(request)) allow(response, { methods: "GET, HEAD", headers: "*" });
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function allow(response: ServerResponse, { methods, headers }: { methods: string; headers: string }): void {
  response.setHeader("access-control-allow-methods", methods);
  response.setHeader("access-control-allow-headers", headers);
  response.setHeader("access-control-max-age", MAX_AGE);
}

function hostname(url: string): string | undefined {
  return parseUrl(url)?.hostname.replace(/^\[|\]$/g, "");
}

/** Not `URL.canParse`: once compiled, Node 20's accepts invalid URLs with bytes above 127. */
export function parseUrl(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
