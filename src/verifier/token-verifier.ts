import type { z } from "zod";
import { MintmarkError } from "../errors.ts";
import type { Clock, Seconds } from "../time.ts";
import type { Audience, Claims, ClaimsSchema } from "../token/claims.ts";
import type { VerificationKey } from "../token/signature.ts";
import { type SignedClaims, validateClaims, verifySigned } from "../token/verify.ts";
import type { TrustState } from "../trust/trust-state.ts";
import { createTokenCache } from "./token-cache.ts";

/** Where trust comes from: in the server the store, elsewhere the feed of events or the JWK Set alone. */
export type TrustSource = {
  /** Finds a key that counts at this moment among those that are known. */
  lookup(kid: string): VerificationKey | undefined;
  /** Asks about a key that is not known: it may have been made a moment ago. */
  fetchKey(kid: string): Promise<VerificationKey | undefined>;
  /** What has been revoked, as far as is known. */
  trust(): Pick<TrustState, "revocationReason">;
  /** Whether too little is known of late to say yes or no. */
  isStale(): boolean;
};

export type TokenVerifierOptions<Schema extends ClaimsSchema> = {
  source: TrustSource;
  /** The only acceptable `iss`, and the longest acceptable lifetime; by default any. Read at each verification. */
  policy: () => { issuer: string; maxLifetime?: Seconds | undefined };
  claimsSchema: Schema;
  clock: Clock;
  /** How long after `exp` a token is still accepted, 0 to 60. Default 0. */
  clockTolerance?: Seconds | undefined;
  /** Told of every verification: what refused the token, or `undefined` where it is valid. */
  onVerified?: ((refusal: unknown) => void) | undefined;
};

export type ExpectedToken = {
  /** Must be the `aud` or one of them, exactly; of a list, any. Without one, whom a token is for is not looked at. */
  audience?: Audience | undefined;
  /** Scope tokens that the token must all have, separated by spaces. Default: none. */
  scope?: string | undefined;
};

export type VerifyToken<Schema extends ClaimsSchema> = (
  token: unknown,
  expected: ExpectedToken,
) => Promise<Claims<z.output<Schema>>>;

/**
 * Makes the one way in which tokens are verified, in the server and in every service. Gives the claims,
 * frozen, or throws a {@link MintmarkError}: `invalid_token` until the signature has proved good,
 * `verifier_stale` where it cannot be known whether a token still counts.
 *
 * A token whose signature was checked before is not checked again. The cache is keyed by the exact
 * text of the token and sits below all else: times, audience, scope, whether its key still counts and
 * whether it was revoked are looked at every time.
 */
export function createTokenVerifier<Schema extends ClaimsSchema>({
  source,
  policy,
  claimsSchema,
  clock,
  clockTolerance,
  onVerified = () => {},
}: TokenVerifierOptions<Schema>): VerifyToken<Schema> {
  const checked = createTokenCache<SignedClaims<Schema>>();
  const find = (kid: string) => source.lookup(kid) ?? source.fetchKey(kid);

  async function verifyNew(token: unknown): Promise<SignedClaims<Schema> | undefined> {
    const signed = await verifySigned(token, find, claimsSchema);
    // Asking for a key takes time, in which too little may have become known.
    if (source.isStale()) throw new MintmarkError("verifier_stale");
    if (signed !== undefined) checked.set(String(token), deepFreeze(signed));
    return signed;
  }

  function recheck(token: unknown): SignedClaims<Schema> | undefined {
    const signed = typeof token === "string" ? checked.get(token) : undefined;
    return signed && source.lookup(signed.kid) && signed;
  }

  return async (token, expected) => {
    try {
      if (source.isStale()) throw new MintmarkError("verifier_stale");
      const signed = recheck(token) ?? (await verifyNew(token));
      if (signed === undefined) throw new MintmarkError("invalid_token");
      const { claims } = signed;
      const { audience, scope } = expected;
      const { issuer, maxLifetime } = policy();
      const all = { issuer, audience, scope, now: clock(), maxLifetime, clockTolerance };
      const fault = validateClaims(claims, all) ?? source.trust().revocationReason(claims);
      if (fault !== undefined) throw new MintmarkError(fault);
      onVerified(undefined);
      return claims;
    } catch (refusal) {
      onVerified(refusal);
      throw refusal;
    }
  };
}

/** Claims are handed out more than once: whoever gets them must not change them for the next. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
