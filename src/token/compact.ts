import { type JsonObject, parseJsonObject } from "./json.ts";

/** Longest token, in characters. It fits into request headers of 8 KiB. */
export const MAX_TOKEN_LENGTH = 8000;

const THREE_SEGMENTS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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
  const [header = "", payload = "", signature = ""] = token.split(".");
  if (![header, payload, signature].every(isCanonical)) return undefined;
  const protectedHeader = parseJsonObject(Buffer.from(header, "base64url"));
  if (protectedHeader === undefined) return undefined;
  const signed = token.slice(0, header.length + 1 + payload.length);
  return { protectedHeader, payload, signature: Buffer.from(signature, "base64url"), signed };
}

/** Whether the unused low bits of the last character are zero (RFC 4648 §3.5). */
function isCanonical(segment: string): boolean {
  const last = ALPHABET.indexOf(segment.at(-1) ?? "");
  switch (segment.length % 4) {
    case 0:
      return true;
    case 2:
      return (last & 0b1111) === 0;
    case 3:
      return (last & 0b11) === 0;
    default:
      return false;
  }
}
