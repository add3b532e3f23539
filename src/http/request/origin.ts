import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Whether an address or name reaches this machine from this machine only. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^::ffff:(?=127\.)/i, "");
  return host === "localhost" || host === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

/** Whether a URL is one of this machine's own. */
export function isLoopbackUrl(url: string): boolean {
  return isLoopback(hostname(url) ?? "");
}

/**
 * Whether a request has more than one Host, which is to be refused (RFC 9112 §3.2): a proxy on the way here may have
 * gone by the other one.
 */
export function isAmbiguous({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts > 1;
}

/**
 * Makes the judgement whether a request was sent to a name of this machine, or to the issuer's, and not from another
 * machine by way of a proxy on this one. Where access is open, a page whose name was made to resolve to 127.0.0.1 (DNS
 * rebinding) must not get in by that name. Where the target is a whole URL, its host must be one of them, too.
 */
export function createHostCheck(issuer: string): (request: IncomingMessage, authority?: string) => boolean {
  const own = hostname(issuer);
  const isAllowed = (name: string | undefined) => {
    const target = hostname(`http://${name}`);
    return target !== undefined && (isLoopback(target) || target === own);
  };
  // Nearly every request comes to the same one, and to take a URL apart takes long.
  let lastAllowed: string | undefined;
  return ({ headers: { host, "x-forwarded-for": forwardedFor } }, authority) => {
    if (forwardedFor !== undefined && !isLocalHost(String(forwardedFor))) return false;
    if (authority !== undefined && !isAllowed(authority)) return false;
    if (host === undefined && authority !== undefined) return true;
    if (host !== undefined && host === lastAllowed) return true;
    const isAllowedName = isAllowed(host);
    if (isAllowedName) lastAllowed = host;
    return isAllowedName;
  };
}

/** Whether all that a proxy says it asks for are here: it may be a developer's, before a page of this machine's. */
function isLocalHost(forwardedFor: string): boolean {
  return forwardedFor.split(",").every((address) => isLoopback(address.trim().replace(/^::ffff:/, "")));
}

export type CrossSiteOptions = {
  /** Whether access is open: then nothing but where a request comes from keeps a page from doing everything. */
  open: boolean;
  /** Whether a request is of an origin that may call. */
  isNamed: (request: IncomingMessage) => boolean;
};

const STRICT: CrossSiteOptions = { open: true, isNamed: () => false };

/**
 * Makes the judgement whether a request comes from a page of another site, as its browser says: such a page can
 * send a request but must not have any effect here (CSRF). Programs send neither header. A page of the issuer's is
 * none, whatever name the proxy in between puts into Host.
 *
 * `Sec-Fetch-Site: same-origin` can be sent by no page of another site: the browser writes it, and by the URL that it
 * asked for itself. With an Origin that is not Host's, a proxy has changed Host, as those of development servers do.
 * Where access is open, that Origin has to be of this machine as well: a name that was rebound to such a proxy is of
 * the same origin, too, and the proxy hides it from the guard of Host.
 */
export function createCrossSiteCheck(
  issuer: string,
  { open, isNamed }: CrossSiteOptions = STRICT,
): (request: IncomingMessage) => boolean {
  const own = host(issuer);
  return (request) => {
    const { headers } = request;
    const { origin, "sec-fetch-site": site } = headers;
    if (isNamed(request)) return false;
    if (site !== undefined && site !== "same-origin" && site !== "none") return true;
    if (origin === undefined) return false;
    const from = parse(origin);
    if (from === undefined) return true;
    if (from.host === own || from.host === host(`http://${headers.host}`)) return false;
    return site !== "same-origin" || (open && !isLoopbackUrl(origin));
  };
}

function hostname(url: string): string | undefined {
  return parse(url)?.hostname.replace(/^\[|\]$/g, "");
}

function host(url: string): string | undefined {
  return parse(url)?.host;
}

/** Not by `URL.canParse`: once it is compiled, that of Node 20 says yes to what is no URL, where it has bytes above 127. */
function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
