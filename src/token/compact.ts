import { type JsonObject, parseJsonObject } from "./json.ts";
import { copyOfAscii, decodeBase64url, isCanonical } from "./platform.ts";

/** Longest token, in characters. It fits into request headers of 8 KiB. */
export const MAX_TOKEN_LENGTH = 8000;

const THREE_SEGMENTS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** A JWS in compact serialization, parsed but not verified (RFC 7515 §3.1). */
export type CompactJws = {
  protectedHeader: JsonObject;
  /** The second segment, encoded. */
  payload: string;
  signature: Uint8Array;
  /** The JWS Signing Input: the first two segments, encoded. */
  signed: string;
};

/**
 * Parses a compact JWS, or returns `undefined`. Accepts the canonical encoding only: three non-empty segments of unpadded
 * base64url whose unused low bits are zero. Otherwise one token would have 16 or more valid encodings.
 */
export function parseCompact(token: unknown): CompactJws | undefined {
  if (typeof token !== "string" || token.length > MAX_TOKEN_LENGTH || !THREE_SEGMENTS.test(token)) return undefined;
  const [headerEnd, payloadEnd] = [token.indexOf("."), token.lastIndexOf(".")];
  const header = token.slice(0, headerEnd);
  const payload = token.slice(headerEnd + 1, payloadEnd);
  const signature = token.slice(payloadEnd + 1);
  if (!isCanonical(header) || !isCanonical(payload) || !isCanonical(signature)) return undefined;
  const protectedHeader = parseHeader(header);
  if (protectedHeader === undefined) return undefined;
  return { protectedHeader, payload, signature: decodeBase64url(signature), signed: token.slice(0, payloadEnd) };
}

/** The latest header: an issuer's tokens have the same until its next key. */
let latest: { header: string; parsed: JsonObject | undefined } = { header: "", parsed: undefined };

function parseHeader(header: string): JsonObject | undefined {
  if (header !== latest.header) {
    const parsed = parseJsonObject(decodeBase64url(header));
    latest = { header: copyOfAscii(header), parsed: parsed && Object.freeze(parsed) };
  }
  return latest.parsed;
}
