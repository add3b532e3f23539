import { type CompactJws, parseCompact } from "./compact.ts";
import type { JsonObject } from "./json.ts";
import { decodeBase64url } from "./platform.ts";
import { isSignature, type VerificationKey } from "./signature.ts";

/** Finds the verification key of a `kid`. No other header parameter selects a key. */
export type KeyLookup = (kid: string) => VerificationKey | undefined | Promise<VerificationKey | undefined>;

/** The media type of an access token in the header (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = "at+jwt";
const ACCEPTED_TYPES = new Set([ACCESS_TOKEN_TYPE, `application/${ACCESS_TOKEN_TYPE}`]);
const KID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The key that a header names; `undefined` unless it has exactly `alg`, `kid` and `typ`. So `jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64`,
 * `zip` and `cty` are refused, and no URL of a header is fetched.
 */
function namedKey(header: JsonObject, types: ReadonlySet<string>): { alg: unknown; kid: string } | undefined {
  const { alg, kid, typ } = header;
  if (alg === undefined || Object.keys(header).length !== 3) return undefined;
  if (typeof typ !== "string" || !types.has(typ.toLowerCase())) return undefined;
  return typeof kid === "string" && KID.test(kid) ? { alg, kid } : undefined;
}

/** Verifies a signature with a key (RFC 7515 §5.2). Returns the bytes of the payload, or `undefined`. */
export async function verifySignature(jws: CompactJws, key: VerificationKey): Promise<Uint8Array | undefined> {
  return (await isSignature(jws.signature, jws.signed, key)) ? decodeBase64url(jws.payload) : undefined;
}

/**
 * Verifies form, header and signature. Returns the bytes of the payload and the `kid`, or `undefined`. `types`: the accepted
 * `typ`, in lower case; by default those of an access token. Not checked: claims.
 */
export async function verifyJws(
  token: unknown,
  lookup: KeyLookup,
  types: ReadonlySet<string> = ACCEPTED_TYPES,
): Promise<{ payload: Uint8Array; kid: string } | undefined> {
  const jws = parseCompact(token);
  const named = jws && namedKey(jws.protectedHeader, types);
  if (jws === undefined || named === undefined) return undefined;
  const found = lookup(named.kid);
  const key = found instanceof Promise ? await found : found;
  if (key === undefined || key.alg !== named.alg) return undefined;
  const isValid = isSignature(jws.signature, jws.signed, key);
  if (!(typeof isValid === "boolean" ? isValid : await isValid)) return undefined;
  return { payload: decodeBase64url(jws.payload), kid: key.kid };
}
