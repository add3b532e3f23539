import * as z from "zod/mini";
import { MintmarkError, type Reason } from "../errors.ts";
import type { Seconds } from "../time.ts";
import {
  type Audience,
  type Claims,
  type ClaimsSchema,
  hasSoundLifetime,
  identifier,
  parseClaims,
  type RegisteredClaims,
} from "./claims.ts";
import { parseCompact } from "./compact.ts";
import { parseJsonObject } from "./json.ts";
import { type KeyLookup, verifyJws } from "./jws.ts";
import { decodeBase64url } from "./platform.ts";

/** Longest time by which `iat` may be in the future. */
const MAX_CLOCK_SKEW: Seconds = 60;

/** The expected claims of a token. */
export type Expectations = {
  /** The only acceptable `iss`, compared exactly. */
  issuer: string;
  /** Must be in `aud`, exactly; of a list, any. Default: `aud` is not validated. */
  audience?: Audience | undefined;
  /** The current moment. */
  now: Seconds;
  /** Longest acceptable `exp - iat`. Default: any. */
  maxLifetime?: Seconds | undefined;
  /** Required scope tokens, separated by spaces. Default: none. */
  scope?: string | undefined;
  /** How long after `exp` a token is still accepted, 0 to 60. Default 0. */
  clockTolerance?: Seconds | undefined;
};

export type VerifyOptions<Schema extends ClaimsSchema> = Expectations & {
  /** Schema of the custom claims. */
  claimsSchema: Schema;
};

/**
 * Verifies an access token and returns its claims, or throws a {@link MintmarkError}.
 *
 * Before the signature is verified, the reason is always `invalid_token`. Validates form, `typ`, `alg`, signature, `iss`,
 * `aud` and `exp` (RFC 9068 §4), and also `iat`, `nbf`, the lifetime and the types of all claims. Not checked: revocation,
 * and whether `sub` still exists.
 */
export async function verifyAccessToken<Schema extends ClaimsSchema>(
  token: unknown,
  lookup: KeyLookup,
  options: VerifyOptions<Schema>,
): Promise<Claims<z.output<Schema>>> {
  const signed = await verifySigned(token, lookup, options.claimsSchema);
  if (signed === undefined) throw new MintmarkError("invalid_token");
  const reason = validateClaims(signed.claims, options);
  if (reason !== undefined) throw new MintmarkError(reason);
  return signed.claims;
}

/** The claims of a token, and the `kid` of its key. */
export type SignedClaims<Schema extends ClaimsSchema> = { claims: Claims<z.output<Schema>>; kid: string };

/** Verifies form and signature of a token and parses its claims; `undefined` if invalid. Not checked: their values. */
export async function verifySigned<Schema extends ClaimsSchema>(
  token: unknown,
  lookup: KeyLookup,
  claimsSchema: Schema,
): Promise<SignedClaims<Schema> | undefined> {
  const jws = await verifyJws(token, lookup);
  const payload = jws && parseJsonObject(jws.payload);
  const claims = payload && parseClaims(payload, claimsSchema);
  return jws && claims && { claims, kid: jws.kid };
}

/** Identifies a token, its client and its subject. */
export type TokenIdentity = {
  jti: string;
  exp: Seconds;
  sub?: string | undefined;
  client_id?: string | undefined;
};

const tokenIdentity = z.object({
  jti: identifier,
  exp: z.int().check(z.positive()),
  sub: z.optional(identifier),
  client_id: z.optional(identifier),
});

/**
 * Verifies form and signature of a token and returns its identity, or `undefined`. Not checked: all else. For revocation:
 * verifiers of another configuration may accept a token that this one refuses.
 */
export async function identifyToken(token: unknown, lookup: KeyLookup): Promise<TokenIdentity | undefined> {
  const jws = await verifyJws(token, lookup);
  return tokenIdentity.safeParse(jws && parseJsonObject(jws.payload)).data;
}

/**
 * The **unverified** identity of a token whose header names one of these shared secrets; `exp` is at most `latest`. For the
 * revocation of tokens of a former secret: they cannot be verified, and the revocation of a forged one has no effect.
 */
export function claimedIdentity(
  token: unknown,
  { kids, latest }: { kids: readonly string[]; latest: Seconds },
): TokenIdentity | undefined {
  const jws = parseCompact(token);
  const { alg, kid } = jws?.protectedHeader ?? {};
  if (jws === undefined || alg !== "HS256" || typeof kid !== "string" || !kids.includes(kid)) return undefined;
  const { jti, exp } = tokenIdentity.safeParse(parseJsonObject(decodeBase64url(jws.payload))).data ?? {};
  return jti === undefined || exp === undefined ? undefined : { jti, exp: Math.min(exp, latest) };
}

/** Why claims are refused at a moment, or `undefined`. */
export function validateClaims(claims: RegisteredClaims, expected: Expectations): Reason | undefined {
  const { issuer, audience, now, maxLifetime = Number.POSITIVE_INFINITY, clockTolerance = 0 } = expected;
  if (claims.iss !== issuer) return "wrong_issuer";
  if (audience !== undefined && !isFor(claims, audience)) return "wrong_audience";
  if (!hasSoundLifetime(claims, maxLifetime)) return "invalid_token";
  if (claims.exp <= now - clockTolerance) return "token_expired";
  if (claims.iat > now + MAX_CLOCK_SKEW) return "not_yet_valid";
  if (claims.nbf !== undefined && claims.nbf > now + clockTolerance) return "not_yet_valid";
  if (expected.scope !== undefined && !scopeIncludes(claims.scope, expected.scope)) return "insufficient_scope";
  return undefined;
}

function isFor({ aud }: Pick<RegisteredClaims, "aud">, audience: Audience): boolean {
  if (typeof audience !== "string") return audience.some((one) => isFor({ aud }, one));
  return typeof aud === "string" ? aud === audience : aud.includes(audience);
}

/** Whether a granted scope has every required scope token. */
function scopeIncludes(granted: string | undefined, required: string): boolean {
  const tokens = new Set(granted?.split(" "));
  return required.split(" ").every((token) => tokens.has(token));
}
