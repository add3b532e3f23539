import type { IncomingMessage } from "node:http";
import type { Credentials } from "../../service/clients/authenticate.ts";
import { decodeUtf8 } from "../../token/json.ts";

/** Longest client id or secret that is looked at. */
const MAX_LENGTH = 255;

/** Credentials that no client has: what cannot be read is refused like what is wrong. */
const UNREADABLE: Credentials = { clientId: "", clientSecret: "" };

/**
 * Reads HTTP Basic credentials; `undefined` where there are none at all. OAuth has both parts form-encoded (RFC 6749
 * §2.3.1), but `curl -u`, Prometheus and most libraries send them as they are, and a secret made by `openssl rand
 * -base64` has `+` in it. So both readings are given, where they differ.
 */
export function credentialsOf({ headers, headersDistinct }: IncomingMessage): Credentials | undefined {
  if (headers.authorization === undefined) return undefined;
  // Of two, a proxy on the way here may have looked at the other one.
  if (headersDistinct.authorization?.length !== 1) return UNREADABLE;
  const [, base64 = ""] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(headers.authorization) ?? [];
  const [, id = "", secret = ""] = /^([^:]*):(.*)$/s.exec(decodeUtf8(Buffer.from(base64, "base64")) ?? "") ?? [];
  const asWritten = pairOf(id, secret);
  const decoded = pairOf(formDecoded(id), formDecoded(secret));
  if (decoded === undefined) return asWritten ?? UNREADABLE;
  const isSame = id === decoded.clientId && secret === decoded.clientSecret;
  return isSame || asWritten === undefined ? decoded : { ...decoded, asWritten };
}

function pairOf(clientId = "", clientSecret = ""): Credentials | undefined {
  const isPair = [clientId, clientSecret].every((part) => part.length > 0 && part.length <= MAX_LENGTH);
  return isPair ? { clientId, clientSecret } : undefined;
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
