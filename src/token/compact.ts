import { type JsonObject, parseJsonObject } from "./json.ts";

/** Longest token that is looked at, in characters. A request header of 8 KiB still carries it. */
export const MAX_TOKEN_LENGTH = 8000;

const THREE_SEGMENTS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A JWS in compact serialization, taken apart but not verified (RFC 7515 §3.1). */
export type CompactJws = {
  protectedHeader: JsonObject;
  /** The second segment as it stands. */
  payload: string;
  signature: Uint8Array;
  /** What the signature is over: the first two segments as they stand. */
  signed: string;
};

/**
 * Takes a compact JWS apart, or returns `undefined`. Only the one canonical spelling passes: three
 * non-empty segments of unpadded base64url whose unused low bits are zero. Without that, one
 * signature has 16 or more spellings, and a token could be told from its own copy.
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

/** Whether the last character of an unpadded base64url segment carries no stray bits (RFC 4648 §3.5). */
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
