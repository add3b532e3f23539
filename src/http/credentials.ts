import type { IncomingMessage } from "node:http";
import type { Credentials } from "../service/authenticate.ts";

/** Longest client id or secret that is looked at. */
const MAX_LENGTH = 255;

/** Credentials that no client has: what cannot be read is refused like what is wrong. */
const UNREADABLE: Credentials = { clientId: "", clientSecret: "" };

/** Reads HTTP Basic credentials (RFC 6749 §2.3.1: both parts form-encoded); `undefined` where there are none at all. */
export function credentialsOf({ headers, headersDistinct }: IncomingMessage): Credentials | undefined {
  if (headers.authorization === undefined) return undefined;
  // Of two, a proxy on the way here may have looked at the other one.
  if (headersDistinct.authorization?.length !== 1) return UNREADABLE;
  const [, base64] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(headers.authorization) ?? [];
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(base64 ?? "", "base64").toString()) ?? [];
  const [clientId, clientSecret] = [formDecoded(id), formDecoded(secret)];
  return clientId && clientSecret ? { clientId, clientSecret } : UNREADABLE;
}

function formDecoded(text: string | undefined): string | undefined {
  try {
    const decoded = text && decodeURIComponent(text.replaceAll("+", " "));
    return decoded && decoded.length <= MAX_LENGTH ? decoded : undefined;
  } catch {
    return undefined;
  }
}
