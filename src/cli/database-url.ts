const HOST = /^[\w.:[\]%-]+$/;
const DATABASE = /^\/[\w-]*$/;

/**
 * Scheme, host, port and database of a `postgres://` URL, without user, password and parameters. Undefined where a part
 * could belong to a password whose special characters were not encoded.
 */
export function publicDatabaseUrl(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname, search, hash, searchParams } = new URL(url);
  const host = searchParams.get("host") ?? hostname;
  if (/@/.test(`${pathname}${search}${hash}`) || !HOST.test(host) || !DATABASE.test(pathname)) return undefined;
  return `${protocol}//${host}:${searchParams.get("port") ?? (port || "5432")}${pathname}`;
}
