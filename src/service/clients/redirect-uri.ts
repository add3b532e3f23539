import type { Client } from "../../store/client.ts";

/** Schemes of which a browser runs or shows the rest as content. */
const CONTENT_SCHEME = /^(?:javascript|data|vbscript|blob|file|filesystem|about|view-source|wss?|ftp):$/i;

/** A scheme that an application owns contains a dot (RFC 8252 §7.1). */
const PRIVATE_SCHEME = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/;

const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** Parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207, OpenID Connect): a URI may not bring its own. */
const RESPONSE_PARAMETERS = ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "response"];

/** Longest URI, in characters. */
export const MAX_URI_LENGTH = 2000;

/** Percent-encoding that is malformed, or of a control character: software differs in what it makes of it. */
const AMBIGUOUS_ENCODING = /%(?![0-9a-f]{2})|%[01][0-9a-f]|%7f/i;

/**
 * What is wrong with a redirect URI, as the end of a sentence; `undefined` for a valid one: `https`, `http` on loopback, or
 * a scheme of an application (RFC 8252 §7). URIs are compared as strings, so only what every parser reads alike is valid.
 */
export function redirectUriFault(uri: string): string | undefined {
  const fault = textFault(uri);
  if (fault !== undefined) return fault;
  const url = parsed(uri);
  if (url === undefined) return "must be an absolute URI";
  if (CONTENT_SCHEME.test(url.protocol)) return "must be https, http on loopback, or a scheme of your application";
  if (url.protocol === "https:" || url.protocol === "http:") return webFault(uri, url) ?? queryFault(url);
  if (!PRIVATE_SCHEME.test(url.protocol)) return "must be https, or a scheme with a dot, such as com.example.app";
  return uri === url.href ? queryFault(url) : `must be written as ${url.href}`;
}

/** A loopback URI and its port. */
const LOOPBACK_PORT = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):([1-9]\d{0,4})(?=[/?]|$)/;

/**
 * Whether a presented redirect URI is one of a client. A client that introduced itself may listen on any port also where its
 * loopback URI has one: command-line programs write the port that they like best.
 */
export function isRedirectUriOf(
  { redirectUris = [], introduced }: Pick<Client, "redirectUris" | "introduced">,
  uri: string,
): boolean {
  return isRegisteredUri(uri, introduced === undefined ? redirectUris : redirectUris.map(withoutLoopbackPort));
}

function withoutLoopbackPort(uri: string): string {
  return uri.replace(LOOPBACK_PORT, "$1");
}

/**
 * Whether a presented redirect URI is one of the registered ones: the same string (OAuth 2.1 §2.3.1), or a loopback URI that
 * differs from one registered without a port by its port alone (RFC 8252 §7.3).
 */
export function isRegisteredUri(uri: string, registered: readonly string[]): boolean {
  if (registered.includes(uri)) return true;
  const [, origin, port = ""] = LOOPBACK_PORT.exec(uri) ?? [];
  if (origin === undefined || Number(port) > 65535) return false;
  return registered.includes(origin + uri.slice(`${origin}:${port}`.length));
}

/** Where a code goes, as people see it: a host, without the port of a loopback URI; or the scheme of an application. */
export function receiverOf(uri: string): string {
  const { protocol, host, hostname } = new URL(uri);
  if (protocol !== "https:" && protocol !== "http:") return protocol;
  return LOOPBACK.has(hostname) ? hostname : host;
}

/** What is wrong with a URL that the service itself calls; `undefined` for a valid one. */
export function calledUrlFault(uri: string, { isOpen }: { isOpen: boolean }): string | undefined {
  const fault = textFault(uri);
  if (fault !== undefined) return fault;
  const url = parsed(uri);
  const isWeb = url?.protocol === "https:" || (isOpen && url?.protocol === "http:");
  return isWeb ? webFault(uri, url) : "must be an https URL";
}

/** The first rule that a URI of any scheme breaks, if any. */
function textFault(uri: string): string | undefined {
  if (uri.length > MAX_URI_LENGTH) return `must have ${MAX_URI_LENGTH} characters at most`;
  if (!/^[!-~]+$/.test(uri) || /[\\*<>"{}|^`]/.test(uri)) return "must be a URI of plain characters, without wildcards";
  if (AMBIGUOUS_ENCODING.test(uri)) return "must have no control characters and no incomplete % encoding";
  if (uri.includes("#")) return "must have no fragment";
  return uri.includes("@") ? "must have no user name and no @" : undefined;
}

function webFault(uri: string, url: URL): string | undefined {
  if (url.protocol === "http:" && !LOOPBACK.has(url.hostname)) return "must be https: http is for loopback alone";
  // The parser also reads other spellings, such as 127.1, a missing slash, capital letters, . and .. segments.
  return uri === url.href || uri === url.origin ? undefined : `must be written as ${url.href}`;
}

function queryFault({ searchParams }: URL): string | undefined {
  // Some frameworks ignore the case of a name.
  const names = new Set(Array.from(searchParams.keys(), (name) => name.toLowerCase()));
  const own = RESPONSE_PARAMETERS.find((name) => names.has(name));
  return own === undefined ? undefined : `must not have the parameter ${own} of a response`;
}

/** Not by `URL.canParse`: in Node 20 it returns true for some invalid URLs. */
function parsed(uri: string): URL | undefined {
  try {
    return new URL(uri);
  } catch {
    return undefined;
  }
}
