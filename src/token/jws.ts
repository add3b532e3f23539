import { CompactSign, type CryptoKey, compactVerify, type KeyObject } from "jose";
import { type CompactJws, parseCompact } from "./compact.ts";

/** What Mintmark signs with. `EdDSA` is Ed25519 (RFC 8037); `HS256` only with a shared secret. */
export type Algorithm = "ES256" | "ES384" | "RS256" | "PS256" | "EdDSA" | "HS256";

/** A key and the one algorithm it may be used with (RFC 8725 §3.1). */
export type SigningKey = { kid: string; alg: Algorithm; key: CryptoKey | KeyObject };
export type VerificationKey = SigningKey;

/** Finds the verification key for a `kid`; nothing else in a header can choose a key. */
export type KeyLookup = (kid: string) => VerificationKey | undefined | Promise<VerificationKey | undefined>;

/** The media type of an access token in the header (RFC 9068 §2.1). */
const ACCESS_TOKEN_TYPE = "at+jwt";
const ACCEPTED_TYPES = new Set([ACCESS_TOKEN_TYPE, `application/${ACCESS_TOKEN_TYPE}`]);
const KID = /^[A-Za-z0-9_-]{1,64}$/;

/** Signs payload bytes as an access token. Checks nothing about them: see `signAccessToken`. */
export function signJws(payload: Uint8Array, { alg, kid, key }: SigningKey): Promise<string> {
  return new CompactSign(payload).setProtectedHeader({ alg, typ: ACCESS_TOKEN_TYPE, kid }).sign(key);
}

/**
 * Finds the key that a token's header names, or `undefined` if the header is not exactly one this
 * service writes: `alg`, `kid`, `typ` and nothing beside them. So `jwk`, `jku`, `x5u`, `x5c`, `crit`,
 * `b64`, `zip` and `cty` are refused unread, and nothing is ever fetched.
 */
async function keyForHeader({ protectedHeader }: CompactJws, lookup: KeyLookup): Promise<VerificationKey | undefined> {
  const { alg, kid, typ, ...rest } = protectedHeader;
  if (Object.keys(rest).length > 0) return undefined;
  if (typeof typ !== "string" || !ACCEPTED_TYPES.has(typ.toLowerCase())) return undefined;
  if (typeof kid !== "string" || !KID.test(kid)) return undefined;
  const key = await lookup(kid);
  return key !== undefined && key.alg === alg ? key : undefined;
}

/** Verifies a signature with one given key and returns the payload's bytes, or `undefined`. */
export async function verifySignature(jws: CompactJws, { alg, key }: VerificationKey): Promise<Uint8Array | undefined> {
  try {
    const { payload } = await compactVerify(jws.token, key, { algorithms: [alg] });
    return payload;
  } catch {
    return undefined;
  }
}

/** Verifies form, header and signature; gives the payload's bytes and the key's name, or `undefined`. Claims are not looked at. */
export async function verifyJws(
  token: unknown,
  lookup: KeyLookup,
): Promise<{ payload: Uint8Array; kid: string } | undefined> {
  const jws = parseCompact(token);
  const key = jws && (await keyForHeader(jws, lookup));
  const payload = key && (await verifySignature(jws, key));
  return payload && { payload, kid: key.kid };
}
