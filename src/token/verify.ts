import type { z } from "zod";
import { MintmarkError, type Reason } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { type Claims, type ClaimsSchema, hasSoundLifetime, type RegisteredClaims, readClaims } from "./claims.ts";
import { parseJsonObject } from "./json.ts";
import { type KeyLookup, verifyJws } from "./jws.ts";

/** How far another machine's clock may be ahead of ours before its tokens look forged, in seconds. */
const MAX_CLOCK_SKEW: Seconds = 60;

export type VerifyOptions<Schema extends ClaimsSchema> = {
  /** The only acceptable `iss`, compared exactly. */
  issuer: string;
  /** Must be the `aud`, or one of them, exactly. */
  audience: string;
  /** Schema of the custom claims. */
  custom: Schema;
  /** The current moment. */
  now: Seconds;
  /** Longest acceptable `exp - iat`. */
  maxLifetime: Seconds;
  /** Scope tokens that the token must all have, separated by spaces. Default: none. */
  scope?: string | undefined;
  /** How long after `exp` a token is still accepted, 0 to 60. Default 0. */
  clockTolerance?: Seconds | undefined;
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
  const bytes = await verifyJws(token, lookup);
  const payload = bytes && parseJsonObject(bytes);
  const claims = payload && readClaims(payload, options.custom);
  if (claims === undefined) throw new MintmarkError("invalid_token");
  const fault = claimsFault(claims, options);
  if (fault !== undefined) throw new MintmarkError(fault);
  return claims;
}

function claimsFault(claims: RegisteredClaims, options: VerifyOptions<ClaimsSchema>): Reason | undefined {
  const { issuer, audience, now, maxLifetime, clockTolerance = 0 } = options;
  if (claims.iss !== issuer) return "wrong_issuer";
  if (![claims.aud].flat().includes(audience)) return "wrong_audience";
  if (!hasSoundLifetime(claims, maxLifetime)) return "invalid_token";
  if (claims.exp <= now - clockTolerance) return "token_expired";
  if (claims.iat > now + MAX_CLOCK_SKEW) return "not_yet_valid";
  if (claims.nbf !== undefined && claims.nbf > now + clockTolerance) return "not_yet_valid";
  if (options.scope !== undefined && !scopeIncludes(claims.scope, options.scope)) return "insufficient_scope";
  return undefined;
}

/** Whether a granted scope has every scope token of a required one. Order and repetition do not matter. */
function scopeIncludes(granted: string | undefined, required: string): boolean {
  const tokens = new Set(granted?.split(" "));
  return required.split(" ").every((token) => tokens.has(token));
}
