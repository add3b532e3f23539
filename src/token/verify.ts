import { z } from "zod";
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

/** How far another machine's clock may be ahead of ours before its tokens look forged, in seconds. */
const MAX_CLOCK_SKEW: Seconds = 60;

/** What is expected of the claims of a token, beside their form. */
export type Expectations = {
  /** The only acceptable `iss`, compared exactly. */
  issuer: string;
  /** Must be the `aud` or one of them, exactly; of a list, any. Without one, whom a token is for is not looked at. */
  audience?: Audience | undefined;
  /** The current moment. */
  now: Seconds;
  /** Longest acceptable `exp - iat`. Default: any. */
  maxLifetime?: Seconds | undefined;
  /** Scope tokens that the token must all have, separated by spaces. Default: none. */
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
 * Until the signature has proved good the reason is always `invalid_token`. Validates what RFC 9068
 * §4 asks for: form, `typ`, `alg`, signature, `iss`, `aud`, `exp`, and beyond it `iat`, `nbf`, the
 * lifetime and the types of all claims. Not checked: revocation, and whether `sub` still exists.
 */
export async function verifyAccessToken<Schema extends ClaimsSchema>(
  token: unknown,
  lookup: KeyLookup,
  options: VerifyOptions<Schema>,
): Promise<Claims<z.output<Schema>>> {
  const signed = await verifySigned(token, lookup, options.claimsSchema);
  const fault = signed ? validateClaims(signed.claims, options) : "invalid_token";
  if (signed === undefined || fault !== undefined) throw new MintmarkError(fault ?? "invalid_token");
  return signed.claims;
}

/** The claims of a token, and the key that signed it. */
export type SignedClaims<Schema extends ClaimsSchema> = { claims: Claims<z.output<Schema>>; kid: string };

/** Verifies the form and the signature of a token and reads its claims, or gives `undefined`. What they say is not judged. */
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

/** What identifies a token, and to whom and about whom it was issued. */
export type TokenIdentity = z.output<typeof tokenIdentity>;

const tokenIdentity = z.object({
  jti: identifier,
  exp: z.int().positive(),
  sub: identifier.optional(),
  client_id: identifier.optional(),
});

/**
 * Verifies the form and the signature of a token and gives what identifies it, or `undefined`. Not checked: all else.
 * To revoke a token this must be enough: other verifiers may accept what this one, as it is configured now, does not.
 */
export async function identifyToken(token: unknown, lookup: KeyLookup): Promise<TokenIdentity | undefined> {
  const jws = await verifyJws(token, lookup);
  return tokenIdentity.safeParse(jws && parseJsonObject(jws.payload)).data;
}

/**
 * Gives which token this says it is, **unverified**, where its header names one of these shared secrets; `exp` is `latest`
 * at most. Of a secret that is in use no more nobody can tell such a token from a forged one. To revoke it harms
 * nobody, so that those may who may revoke anything.
 */
export function claimedIdentity(
  token: unknown,
  { kids, latest }: { kids: readonly string[]; latest: Seconds },
): TokenIdentity | undefined {
  const jws = parseCompact(token);
  if (jws?.protectedHeader.alg !== "HS256" || !kids.includes(String(jws.protectedHeader.kid))) return undefined;
  const { jti, exp } = tokenIdentity.safeParse(parseJsonObject(Buffer.from(jws.payload, "base64url"))).data ?? {};
  return jti === undefined || exp === undefined ? undefined : { jti, exp: Math.min(exp, latest) };
}

/** Says what is wrong with claims at a moment, or `undefined`. */
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

/** Whether a granted scope has every scope token of a required one. Order and repetition do not matter. */
function scopeIncludes(granted: string | undefined, required: string): boolean {
  const tokens = new Set(granted?.split(" "));
  return required.split(" ").every((token) => tokens.has(token));
}
