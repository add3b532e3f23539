import { type CompactJws, parseCompact } from "./compact.ts";
import { decodeBase64url } from "./platform.ts";
import { isSignature, type VerificationKey } from "./signature.ts";

/** Finds the verification key of a `kid`. No other header parameter selects a key. */
export type KeyLookup = (kid: string) => VerificationKey | undefined | Promise<VerificationKey | undefined>;

/** The media type of an access token in the header (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = "at+jwt";
const ACCEPTED_TYPES = new Set([ACCESS_TOKEN_TYPE, `application/${ACCESS_TOKEN_TYPE}`]);
const KID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Finds the key of a header; `undefined` unless the header has exactly `alg`, `kid` and `typ`. So `jwk`, `jku`, `x5u`, `x5c`,
 * `crit`, `b64`, `zip` and `cty` are refused, and no URL of a header is fetched.
 */
async function keyForHeader(
  { protectedHeader }: CompactJws,
  lookup: KeyLookup,
  types: ReadonlySet<string>,
): Promise<VerificationKey | undefined> {
  const { alg, kid, typ, ...rest } = protectedHeader;
  if (Object.keys(rest).length > 0) return undefined;
  if (typeof typ !== "string" || !types.has(typ.toLowerCase())) return undefined;
  if (typeof kid !== "string" || !KID.test(kid)) return undefined;
  const key = await lookup(kid);
  return key !== undefined && key.alg === alg ? key : undefined;
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
  const key = jws && (await keyForHeader(jws, lookup, types));
  const payload = key && (await verifySignature(jws, key));
  return payload && { payload, kid: key.kid };
}
