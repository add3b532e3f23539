/** The credentials of a client (RFC 6749 §2.3.1). */
export type Credentials = { clientId: string; clientSecret: string };

/** HTTP Basic with the form-encoding of RFC 6749 §2.3.1: a client id may contain any character. */
export function encodeBasic({ clientId, clientSecret }: Credentials): string {
  const pair = [clientId, clientSecret].map((part) => new URLSearchParams({ "": part }).toString().slice(1)).join(":");
  return `Basic ${btoa(pair)}`;
}
