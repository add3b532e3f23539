import type { Credentials } from "./client-secret-basic.ts";
import { decodeUtf8 } from "./json.ts";

/** A received secret. `asWritten`: without form-decoding, if that differs. `method`: by default HTTP Basic. */
export type PresentedSecret = Credentials & {
  asWritten?: Credentials;
  method?: "client_secret_basic" | "client_secret_post";
};

/** The received credentials of a client, by the method of its authentication (RFC 6749 §2.3, RFC 7523 §2.2). */
export type PresentedCredentials =
  | PresentedSecret
  | { method: "private_key_jwt"; clientId: string; assertion: string }
  | { method: "none"; clientId: string };

/** Credentials of no client: unreadable credentials are rejected like wrong ones. */
export const UNREADABLE: PresentedSecret = { clientId: "", clientSecret: "" };

/** Longest client id or secret, in characters. */
const MAX_LENGTH = 255;

/**
 * Decodes the value of an `Authorization` header; `undefined` if it is not valid HTTP Basic. OAuth form-encodes both parts
 * (RFC 6749 §2.3.1), but `curl -u`, Prometheus and most libraries do not, and a secret of `openssl rand -base64` may
 * contain `+`. Returns both readings if they differ.
 */
export function decodeBasic(authorization: string): PresentedSecret | undefined {
  const [, base64 = ""] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization) ?? [];
  const [, id = "", secret = ""] = /^([^:]*):(.*)$/s.exec(decodeUtf8(Buffer.from(base64, "base64")) ?? "") ?? [];
  const asWritten = pairOf(id, secret);
  const decoded = pairOf(formDecoded(id), formDecoded(secret));
  if (decoded === undefined) return asWritten;
  const isSame = id === decoded.clientId && secret === decoded.clientSecret;
  return isSame || asWritten === undefined ? decoded : { ...decoded, asWritten };
}

function pairOf(clientId = "", clientSecret = ""): Credentials | undefined {
  const isPair = [clientId, clientSecret].every((part) => part.length > 0 && part.length <= MAX_LENGTH);
  return isPair ? { clientId, clientSecret } : undefined;
}

function formDecoded(text: string): string | undefined {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
