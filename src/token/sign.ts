import { createHmac, type KeyObject, randomFillSync, sign } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { MintmarkError } from "../errors.ts";
import type { Milliseconds, Seconds } from "../time.ts";
import { type Claims, type ClaimsSchema, hasSoundLifetime, parseClaims } from "./claims.ts";
import { MAX_TOKEN_LENGTH } from "./compact.ts";
import { parseJsonText, validateJson } from "./json.ts";
import { SEQUENCE_BYTES } from "./jti.ts";
import { ACCESS_TOKEN_TYPE } from "./jws.ts";
import { type Algorithm, schemeFor } from "./signature.ts";

/** A key and its one algorithm (RFC 8725 §3.1). */
export type SigningKey = { kid: string; alg: Algorithm; key: KeyObject };

/**
 * Signs a claim set as a JWT access token (RFC 9068): header `alg`, `typ: at+jwt`, `kid`.
 *
 * Parses the text as a verifier does before it signs it: a claim set that verification would refuse is refused here with
 * `invalid_request`. Not checked: whether the caller may request these claims.
 */
export async function signAccessToken(
  claims: Claims<Record<string, unknown>>,
  options: { key: SigningKey; claimsSchema: ClaimsSchema; maxLifetime: Seconds },
): Promise<string> {
  const fault = validateJson(claims);
  if (fault !== undefined) throw invalidRequest("claims", fault);
  if (!hasSoundLifetime(claims, options.maxLifetime)) {
    throw invalidRequest("expiresIn", `must be a whole number from 1 to ${options.maxLifetime}`);
  }
  const text = JSON.stringify(claims);
  const payload = parseJsonText(text);
  const read = payload && parseClaims(payload, options.claimsSchema);
  // Also refused: a schema that changes its own output again.
  if (read === undefined || (read !== payload && !isDeepStrictEqual({ ...read }, payload))) {
    throw invalidRequest("claims", "cannot be contained in a token");
  }
  const token = await signJws(text, options.key);
  if (token.length > MAX_TOKEN_LENGTH) {
    throw invalidRequest("claims", `make the token longer than ${MAX_TOKEN_LENGTH} characters`);
  }
  return token;
}

function invalidRequest(path: string, message: string): MintmarkError {
  return new MintmarkError("invalid_request", { issues: [{ path, message }] });
}

/** Signs a payload, by default as an access token (RFC 7515 §5.1). Not checked: the payload; see `signAccessToken`. */
export async function signJws(payload: string, key: SigningKey, typ: string = ACCESS_TOKEN_TYPE): Promise<string> {
  const header = JSON.stringify({ alg: key.alg, typ, kid: key.kid });
  const signed = `${base64url(header)}.${base64url(payload)}`;
  const signature = await signText(signed, key);
  return `${signed}.${signature.toString("base64url")}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** RSA takes a millisecond, and so runs in the thread pool. Elliptic curves take less than the dispatch. */
const SLOW: ReadonlySet<Algorithm> = new Set(["RS256", "PS256"]);

/** Signs ASCII text. */
export async function signText(text: string, { alg, key }: SigningKey): Promise<Buffer> {
  if (alg === "HS256") return createHmac("sha256", key).update(text).digest();
  const data = Buffer.from(text, "latin1");
  const scheme = schemeFor(alg, key);
  if (scheme === undefined) throw new TypeError(`${alg} needs a key of another type`);
  const { digest, options } = scheme;
  if (!SLOW.has(alg)) return sign(digest, data, { key, ...options });
  return new Promise((resolve, reject) => {
    sign(digest, data, { key, ...options }, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

const TIME_BYTES = 3;
const JTI_BYTES = SEQUENCE_BYTES + TIME_BYTES + 9;

/** Random bytes in advance: many take as long as a few. */
const pool = Buffer.alloc(256 * JTI_BYTES);
let used = pool.length;

/**
 * Creates a `jti`: the number of the latest trust event before the issue, the low 24 bits of the milliseconds of the issue, and
 * 72 random bits. The number orders the token before or after a revocation, for which the whole seconds of `iat` are too coarse.
 * By the milliseconds, tokens of one moment are adjacent in an index: each at a random place would be a page to write (RFC
 * 9562 §6.13). Reads the system's random source.
 */
export function createJti(sequence: number, milliseconds: Milliseconds): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const start = used;
  used += JTI_BYTES;
  pool.writeUIntBE(sequence, start, SEQUENCE_BYTES);
  pool.writeUIntBE(milliseconds % 2 ** (8 * TIME_BYTES), start + SEQUENCE_BYTES, TIME_BYTES);
  return pool.toString("base64url", start, used);
}
