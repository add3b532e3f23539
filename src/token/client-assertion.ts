import type { Seconds } from "../time.ts";
import { parseCompact } from "./compact.ts";
import { type JsonObject, parseJsonObject } from "./json.ts";
import { verifySignature } from "./jws.ts";
import { decodeBase64url } from "./platform.ts";
import type { Algorithm, VerificationKey } from "./signature.ts";

/** Selects a key. `kid` is absent where a client has a single key. */
export type AssertionHeader = { alg: PublicKeyAlgorithm; kid: string | undefined };
type PublicKeyAlgorithm = Exclude<Algorithm, "HS256">;

/** A key of the client, or why there is none: no key matches the header, or the keys could not be fetched. */
export type AssertionKey = VerificationKey | "unknown_key" | "keys_unavailable";

/** Finds the key of a header among those of **one** client. */
export type AssertionKeyLookup = (header: AssertionHeader) => AssertionKey | Promise<AssertionKey>;

export type AssertionExpectations = {
  keys: AssertionKeyLookup;
  /** The issuer identifier of this server: the only accepted `aud`. */
  issuer: string;
  /** The client that owns the keys: the only accepted `iss` and `sub`. */
  clientId: string;
  now: Seconds;
};

/** Why an assertion is refused. A caller receives `invalid_client` alone. */
export type AssertionReason =
  | "malformed"
  | "unsupported_algorithm"
  | "unknown_key"
  | "keys_unavailable"
  | "bad_signature"
  | "invalid_claims"
  | "wrong_client"
  | "wrong_audience"
  | "expired"
  | "lifetime_too_long"
  | "not_yet_valid";

/** `jti` and `exp` of a verified assertion are for the check that it is used once: it is accepted until `exp`. */
export type AssertionOutcome =
  | { outcome: "verified"; jti: string; exp: Seconds }
  | { outcome: "refused"; reason: AssertionReason };

/** Longest time to `exp`. It bounds how long a server remembers each `jti`. */
const MAX_LIFETIME: Seconds = 600;

/** Longest time by which the clock of a client may be ahead. */
const MAX_CLOCK_SKEW: Seconds = 60;

/**
 * Verifies the `client_assertion` of `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9). Never rejects for an input.
 *
 * `aud` must be the issuer identifier as a single string. Not the URL of an endpoint, and no list: another authorization
 * server that a client trusts could ask for an assertion with our endpoint in `aud`, and present it here (audience
 * injection). Not checked: that `jti` is new, and `client_assertion_type`.
 */
export async function verifyClientAssertion(
  assertion: unknown,
  expected: AssertionExpectations,
): Promise<AssertionOutcome> {
  const jws = parseCompact(assertion);
  if (jws === undefined) return refused("malformed");
  const header = parseHeader(jws.protectedHeader);
  if (typeof header === "string") return refused(header);
  const key = await expected.keys(header);
  if (typeof key === "string") return refused(key);
  // A lookup that selects by `kid` alone must not let a sender choose the algorithm of a key (RFC 8725 §3.1).
  if (key.alg !== header.alg) return refused("unknown_key");
  const payload = await verifySignature(jws, key);
  if (payload === undefined) return refused("bad_signature");
  const claims = parseJsonObject(payload);
  return claims === undefined ? refused("malformed") : validateAssertion(claims, expected);
}

/**
 * The **unverified** `sub` of an assertion, to find the client whose keys verify it where there is no `client_id`
 * (RFC 7521 §4.2). `undefined` if malformed.
 */
export function claimedClientId(assertion: unknown): string | undefined {
  const jws = parseCompact(assertion);
  const { sub } = (jws && parseJsonObject(decodeBase64url(jws.payload))) ?? {};
  return typeof sub === "string" && sub !== "" ? sub : undefined;
}

/** `Ed25519` is the name of RFC 9864 for the only curve that `EdDSA` has here. */
const ALGORITHMS: ReadonlyMap<unknown, PublicKeyAlgorithm> = new Map<string, PublicKeyAlgorithm>([
  ["ES256", "ES256"],
  ["ES384", "ES384"],
  ["RS256", "RS256"],
  ["PS256", "PS256"],
  ["EdDSA", "EdDSA"],
  ["Ed25519", "EdDSA"],
]);

/** The names of the algorithms that clients sign assertions by. */
export const ASSERTION_ALGORITHMS: readonly string[] = [...ALGORITHMS.keys()].map(String);

/** The algorithm of a client's key or assertion by its name; `undefined` if it is not supported, such as `none` and `HS256`. */
export function assertionAlgorithm(name: unknown): PublicKeyAlgorithm | undefined {
  return ALGORITHMS.get(name);
}

const TYPE = /^(?:application\/)?(?:jwt|client-authentication\+jwt)$/i;

/** Accepts exactly `alg`, `kid` and `typ`: so `jwk`, `jku`, `x5u`, `x5c`, `crit` and `b64` are refused. */
function parseHeader({ alg, kid, typ = "JWT", ...rest }: JsonObject): AssertionHeader | AssertionReason {
  if (Object.keys(rest).length > 0 || typeof typ !== "string" || !TYPE.test(typ)) return "malformed";
  if (kid !== undefined && !isVisible(kid)) return "malformed";
  const algorithm = assertionAlgorithm(alg);
  return algorithm === undefined ? "unsupported_algorithm" : { alg: algorithm, kid };
}

function validateAssertion(claims: JsonObject, { issuer, clientId, now }: AssertionExpectations): AssertionOutcome {
  const { iss, sub, aud, exp, jti, iat = 0, nbf = 0 } = claims;
  if (iss !== clientId || sub !== clientId) return refused("wrong_client");
  if (aud !== issuer) return refused("wrong_audience");
  if (!isNumericDate(exp) || !isNumericDate(iat) || !isNumericDate(nbf)) return refused("invalid_claims");
  if (!isVisible(jti)) return refused("invalid_claims");
  if (exp <= now) return refused("expired");
  if (exp > now + MAX_LIFETIME + MAX_CLOCK_SKEW) return refused("lifetime_too_long");
  if (Math.max(iat, nbf) > now + MAX_CLOCK_SKEW) return refused("not_yet_valid");
  return { outcome: "verified", jti, exp: Math.ceil(exp) };
}

/** RFC 7519 §2 allows fractions, and the clocks of some languages have them. */
function isNumericDate(value: unknown): value is Seconds {
  return typeof value === "number" && value >= 0;
}

/** 1 to 256 visible ASCII characters. */
function isVisible(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,256}$/.test(value);
}

function refused(reason: AssertionReason): AssertionOutcome {
  return { outcome: "refused", reason };
}
