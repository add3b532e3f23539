/** What a client authenticates with. */
export type Credentials = { clientId: string; clientSecret: string };

/** HTTP Basic with the form-encoding of RFC 6749 §2.3.1, so that any character may stand in a client id. */
export function encodeBasic({ clientId, clientSecret }: Credentials): string {
  const pair = [clientId, clientSecret].map((part) => new URLSearchParams({ "": part }).toString().slice(1)).join(":");
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}
