/** What a client authenticates with. */
export type Credentials = { clientId: string; clientSecret: string };

/** HTTP Basic with the form-encoding of RFC 6749 §2.3.1, so that any character may stand in a client id. */
export function basic({ clientId, clientSecret }: Credentials): string {
  const pair = [clientId, clientSecret].map((part) => new URLSearchParams({ "": part }).toString().slice(1)).join(":");
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

/** What is added to the URL of a service, and with what of it people copy the URL: the procedures that are most called. */
const ENDPOINT = /\/trpc(?:\/(?:events|[a-z]+Token))?\/*$/;

/**
 * Says what is wrong with the URL of a service, or the path of one, that goes on to where the service is called, as the end
 * of a sentence; `undefined` of any other. The URL must have neither credentials nor a query: it is quoted.
 */
export function endpointFault(url: string): string | undefined {
  const isPath = url === "" || url.startsWith("/");
  const { origin, pathname } = new URL(url, isPath ? "http://page" : undefined);
  const end = ENDPOINT.exec(pathname);
  if (end === null) return undefined;
  const prefix = pathname.slice(0, end.index);
  return `must be without /trpc, which is added to it: ${isPath ? prefix || "/" : `${origin}${prefix}`}`;
}
