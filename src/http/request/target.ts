/** What a request is for (RFC 9112 §3.2), taken apart once for all who decide by it. */
export type Target = {
  /** As it was sent, still encoded, below the path at which this is served. */
  path: string;
  /** What follows the question mark; empty where there is none. */
  query: string;
  /** The host that a target in absolute form names, in place of the Host header. */
  authority?: string;
};

export type TargetOptions = {
  /** The path of the issuer, below which everything is served as well; see {@link basePathOf}. */
  basePath: string;
  /** Whether something is served at a path. */
  isServed: (path: string) => boolean;
};

/** Proxies and HTTP/1.1 clients may send a whole URL (RFC 9112 §3.2.2). With a user in it, it is no http URL (RFC 9110 §4.2.4). */
const ABSOLUTE = /^https?:\/\/([^/?#@\\]+)([/?].*)?$/i;

/**
 * Makes the function that takes a target apart, or gives `undefined` for one that is not well-formed. Paths are
 * compared as they were sent: an encoded slash, a doubled one or one more at the end makes another path.
 */
export function createTargetParser({ basePath, isServed }: TargetOptions): (url: string) => Target | undefined {
  return (url) => {
    const target = url.startsWith("/") || url === "*" ? split(url) : splitAbsolute(url);
    if (target === undefined || basePath === "" || !target.path.startsWith(`${basePath}/`)) return target;
    const path = target.path.slice(basePath.length);
    return isServed(path) ? { ...target, path } : target;
  };
}

/** The target as `node:http` would have it had it been sent to the root, in origin form. */
export function urlOf({ path, query }: Target): string {
  return query === "" ? path : `${path}?${query}`;
}

/** The path of an issuer's URL, without a slash at the end: empty for most. */
export function basePathOf(issuer: string): string {
  try {
    return new URL(issuer).pathname.replace(/\/+$/, "");
  } catch {
    return "";
  }
}

function split(url: string): Target {
  const mark = url.indexOf("?");
  return mark < 0 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

function splitAbsolute(url: string): Target | undefined {
  const [, authority, rest = ""] = ABSOLUTE.exec(url) ?? [];
  return authority === undefined ? undefined : { ...split(rest.startsWith("/") ? rest : `/${rest}`), authority };
}
