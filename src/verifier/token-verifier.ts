import type { z } from "zod";
import { MintmarkError } from "../errors.ts";
import type { Clock, Seconds } from "../time.ts";
import type { Audience, Claims, ClaimsSchema } from "../token/claims.ts";
import type { VerificationKey } from "../token/signature.ts";
import { type SignedClaims, validateClaims, verifySigned } from "../token/verify.ts";
import type { TrustState } from "../trust/trust-state.ts";
import { createTokenCache } from "./token-cache.ts";

/** The source of trust: the store in the server; elsewhere the feed, or the JWK Set alone. */
export type TrustSource = {
  /** Finds a key in memory that is trusted now. */
  lookup(kid: string): VerificationKey | undefined;
  /** Fetches a key that is not in memory: it may be new. */
  fetchKey(kid: string): Promise<VerificationKey | undefined>;
  /** The known revocations. */
  trust(): Pick<TrustState, "revocationReason">;
  /** Whether the data is too old to accept or refuse a token by. */
  isStale(): boolean;
  /** Starts the work again that keeps the data fresh, where the platform has ended it. Default: it never does. */
  revive?(): Promise<void>;
};

export type TokenVerifierOptions<Schema extends ClaimsSchema> = {
  source: TrustSource;
  /** The only acceptable `iss`, and the longest acceptable lifetime (default: any). Read at each verification. */
  policy: () => { issuer: string; maxLifetime?: Seconds | undefined };
  claimsSchema: Schema;
  clock: Clock;
  /** How long after `exp` a token is still accepted, 0 to 60. Default 0. */
  clockTolerance?: Seconds | undefined;
  /** Called after every verification, with the error of a refused token. */
  onVerified?: ((error: unknown) => void) | undefined;
};

export type ExpectedToken = {
  /** Must be in `aud`, exactly; of a list, any. Default: `aud` is not validated. */
  audience?: Audience | undefined;
  /** Required scope tokens, separated by spaces. Default: none. */
  scope?: string | undefined;
};

export type VerifyToken<Schema extends ClaimsSchema> = (
  token: unknown,
  expected: ExpectedToken,
) => Promise<Claims<z.output<Schema>>>;

/**
 * Creates the verification of tokens for the server and for every other service. It returns the frozen claims, or throws a
 * {@link MintmarkError}: `invalid_token` until the signature is verified, `verifier_stale` where the data is too old.
 *
 * Signatures are cached by the exact text of the token. Times, audience, scope, key and revocation are checked every time.
 */
export function createTokenVerifier<Schema extends ClaimsSchema>({
  source,
  policy,
  claimsSchema,
  clock,
  clockTolerance,
  onVerified = () => {},
}: TokenVerifierOptions<Schema>): VerifyToken<Schema> {
  const cache = createTokenCache<SignedClaims<Schema>>();
  const findKey = (kid: string) => source.lookup(kid) ?? source.fetchKey(kid);

  async function verifyNew(token: unknown): Promise<SignedClaims<Schema> | undefined> {
    const signed = await verifySigned(token, findKey, claimsSchema);
    // The data may have become stale during the fetch of a key.
    if (source.isStale()) throw new MintmarkError("verifier_stale");
    if (signed !== undefined) cache.set(String(token), deepFreeze(signed));
    return signed;
  }

  function recheck(token: unknown): SignedClaims<Schema> | undefined {
    const signed = typeof token === "string" ? cache.get(token) : undefined;
    return signed && source.lookup(signed.kid) && signed;
  }

  async function verify(token: unknown, { audience, scope }: ExpectedToken): Promise<Claims<z.output<Schema>>> {
    try {
      const signed = recheck(token) ?? (await verifyNew(token));
      if (signed === undefined) throw new MintmarkError("invalid_token");
      const { claims } = signed;
      const { issuer, maxLifetime } = policy();
      const all = { issuer, audience, scope, now: clock(), maxLifetime, clockTolerance };
      const fault = validateClaims(claims, all) ?? source.trust().revocationReason(claims);
      if (fault !== undefined) throw new MintmarkError(fault);
      onVerified(undefined);
      return claims;
    } catch (error) {
      onVerified(error);
      throw error;
    }
  }

  /** Not a part of `verify`: one more `await` there makes every cached verification half as long again. */
  async function verifyStale(token: unknown, expected: ExpectedToken): Promise<Claims<z.output<Schema>>> {
    await source.revive?.();
    if (!source.isStale()) return verify(token, expected);
    const error = new MintmarkError("verifier_stale");
    onVerified(error);
    throw error;
  }

  return (token, expected) => (source.isStale() ? verifyStale(token, expected) : verify(token, expected));
}

/** Cached claims are returned more than once: a caller must not change them for the next. */
function deepFreeze<Value extends object>(value: Value): Value {
  Object.freeze(value);
  for (const name in value) {
    const part: unknown = value[name];
    if (typeof part === "object" && part !== null && !Object.isFrozen(part)) deepFreeze(part);
  }
  return value;
}
