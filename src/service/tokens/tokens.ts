import type { z } from "zod";
import { MintmarkError } from "../../errors.ts";
import type { Grant } from "../../store/grant.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { type Audience, type Claims, type ClaimsSchema, joinClaims, RESERVED_CLAIMS } from "../../token/claims.ts";
import { createJti } from "../../token/jti.ts";
import { signAccessToken } from "../../token/sign.ts";
import type { VerifyToken } from "../../verifier/token-verifier.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize, Operation } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import { policyViolation } from "../clients/client-policy.ts";
import type { EndedSecretCheck } from "../clients/ended-secret.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Counters } from "../operations/counters.ts";
import type { Settings } from "../settings.ts";
import type { CallLimits } from "../throttle/call-limits.ts";
import { createGrant, type GrantPolicy, refreshRotation, scopeViolation } from "./grant.ts";
import { hashOf } from "./refresh-token.ts";

/** What a token is asked for with. Values are checked by the router's schemas; see there for their ranges. */
export type TokenRequest<Custom = Record<string, unknown>> = {
  subject?: string | undefined;
  audience?: string | string[] | undefined;
  scope?: string | undefined;
  expiresIn?: Seconds | undefined;
  claims: Custom;
  /** Whether a refresh token is wanted beside it. */
  refreshable?: boolean | undefined;
};

/** An issued token, with the members of RFC 6749 §5.1. */
export type IssuedToken = {
  token: string;
  tokenType: "Bearer";
  expiresIn: Seconds;
  scope: string;
  refreshToken?: string | undefined;
};

export type VerificationRequest = {
  token: string;
  audience?: string | string[] | undefined;
  scope?: string | undefined;
};
export type RefreshRequest = { refreshToken: string; scope?: string | undefined };

export type Tokens<Schema extends ClaimsSchema> = {
  /** Issues an access token. Without a subject it is about the caller itself (RFC 9068 §5). */
  getToken(caller: Caller, request: TokenRequest<z.input<Schema>>): Promise<IssuedToken>;
  /**
   * Issues the next access token of a session, and the next refresh token (RFC 6749 §6). One that was used
   * already gives the same next one again for as long as the replay window; after that the session is
   * revoked, since somebody has a copy (RFC 9700 §4.14.2).
   */
  refreshToken(caller: Caller, request: RefreshRequest): Promise<IssuedToken>;
  /**
   * Verifies an access token for an audience; see `createTokenVerifier` for what is checked. With the address of the
   * caller, the call is counted.
   */
  verifyToken(request: VerificationRequest, address?: string): Promise<Claims<z.output<Schema>>>;
};

export type TokensOptions<Schema extends ClaimsSchema> = {
  settings: Pick<Settings, "issuer" | "audience">;
  hasSecretEnded: EndedSecretCheck;
  claimsSchema: Schema;
  ttl: Seconds;
  maxTtl: Seconds;
  grants: GrantPolicy;
  store: Store;
  keys: LoadedKeys;
  trust: StoreFollower;
  authorize: Authorize;
  audit: AuditLog;
  rates: Pick<CallLimits, "ofAddress">;
  verify: VerifyToken<Schema>;
  /** Revokes the session of a refresh token that somebody has copied. */
  revokeReusedGrant: (grant: Grant) => Promise<void>;
  clock: Clock;
  counts: Counters;
};

/** Whom a token is for, and what it says. */
type GrantParameters = Pick<Grant, "subject" | "audience" | "scope" | "claims" | "ttl"> & { sid?: string | undefined };

/** The use cases of access tokens. A token leaves only when the record that it was issued is durable. */
export function createTokens<Schema extends ClaimsSchema>(options: TokensOptions<Schema>): Tokens<Schema> {
  const { settings, hasSecretEnded, claimsSchema, maxTtl, store, keys, trust, authorize, audit, clock, counts } =
    options;

  /** Gets a token ready to be signed. Its number is known first: what is revoked from then on comes after it. */
  async function prepare(caller: Caller, parameters: GrantParameters, defaultAudience: Audience = settings.audience()) {
    const sequence = await trust.latest();
    const { signing: key } = keys.current();
    if (key === undefined) throw new MintmarkError("unavailable");
    const jti = createJti(sequence);
    const iat = clock();
    const target = { subject: parameters.subject, jti, kid: key.kid };
    const denial = policyViolation(caller, { expiresIn: parameters.ttl, ...parameters }, defaultAudience);
    const registered = {
      iss: settings.issuer(),
      sub: parameters.subject,
      aud: typeof parameters.audience === "string" ? parameters.audience : [...parameters.audience],
      iat,
      exp: iat + parameters.ttl,
      jti,
      client_id: caller.clientId,
      ...(parameters.scope !== undefined && { scope: parameters.scope }),
      ...(parameters.sid !== undefined && { sid: parameters.sid }),
    };
    const claims = joinClaims(parameters.claims, registered);
    const sign = async (): Promise<IssuedToken> => {
      // A client may have been removed between its look-up and that number. Its token would outlive it.
      if (await hasSecretEnded(caller, sequence)) throw new MintmarkError("invalid_client");
      return {
        token: await signAccessToken(claims, { key, claimsSchema, maxLifetime: maxTtl }),
        tokenType: "Bearer",
        expiresIn: parameters.ttl,
        scope: parameters.scope ?? "",
      };
    };
    return {
      sequence,
      operation: { permission: "issue", target, denial, findsEnded: true } satisfies Omit<Operation, "action">,
      sign,
    };
  }

  return {
    async getToken(caller, { refreshable = false, expiresIn, claims = {}, ...request }) {
      const reserved = Object.keys(claims).find((name) => RESERVED_CLAIMS.has(name));
      if (reserved !== undefined) throw reservedClaim(reserved);
      const parameters: GrantParameters = {
        subject: request.subject ?? caller.clientId,
        audience: plainAudience(request.audience ?? settings.audience()),
        scope: request.scope,
        claims,
        ttl: expiresIn ?? Math.min(options.ttl, caller.maxTtl ?? options.ttl),
      };
      const granted = refreshable
        ? createGrant(caller, parameters, { policy: options.grants, now: clock() })
        : undefined;
      const { sequence, operation, sign } = await prepare(caller, granted?.grant ?? parameters);
      return authorize(caller, { action: "getToken", ...operation }, async (record) => {
        const issued = await sign();
        if (granted === undefined) {
          await audit.append(record);
          counts.issued.getToken += 1;
          return issued;
        }
        const first = { hash: hashOf(granted.refreshToken), sequence };
        if ((await store.addGrant(granted.grant, first, record)) === "revoked") throw new MintmarkError("conflict");
        counts.issued.getToken += 1;
        return { ...issued, refreshToken: granted.refreshToken };
      });
    },

    async refreshToken(caller, { refreshToken, scope }) {
      const action = "refreshToken";
      const grant = await store.findGrant(hashOf(refreshToken));
      if (grant === undefined || grant.clientId !== caller.clientId)
        return authorize(caller, { action, permission: "issue" }, async () => {
          throw new MintmarkError("invalid_refresh_token");
        });
      // Limits may be lower now than when it was granted. The default audience may be another: that of the grant was allowed.
      const ttl = Math.min(grant.ttl, maxTtl, caller.maxTtl ?? maxTtl);
      const parameters = { ...grant, scope: scope ?? grant.scope, ttl };
      const { operation, sign } = await prepare(caller, parameters, grant.audience);
      const denial = operation.denial ?? scopeViolation(grant, scope);
      return authorize(caller, { action, ...operation, denial }, async (record) => {
        const issued = await sign().catch(asInvalidGrant);
        const rotation = refreshRotation(grant, refreshToken, { policy: options.grants, now: clock() });
        const outcome = await store.rotateRefreshToken(grant.sid, rotation.change, record);
        if (outcome === "reused") await options.revokeReusedGrant(grant);
        if (outcome === "reused" || outcome === "unknown") throw new MintmarkError("invalid_refresh_token");
        counts.issued.refreshToken += 1;
        return { ...issued, refreshToken: rotation.successor };
      });
    },

    verifyToken({ token, audience = settings.audience(), scope }, address) {
      const rejection = address === undefined ? undefined : options.rates.ofAddress("verify", address);
      return rejection === undefined ? options.verify(token, { audience, scope }) : Promise.reject(rejection);
    },
  };
}

/** What was granted may be carried in no token today, as where the claims schema has changed: only a new grant helps. */
function asInvalidGrant(cause: unknown): never {
  const isGrants = cause instanceof MintmarkError && cause.reason === "invalid_request";
  throw isGrants ? new MintmarkError("invalid_refresh_token", { cause }) : cause;
}

/** Of what comes by the router its schema says this; a caller in this process has no schema in between. */
function reservedClaim(name: string): MintmarkError {
  return new MintmarkError("invalid_request", {
    issues: [{ path: "claims", message: `may not set the registered claim "${name}"` }],
  });
}

/** One of a list of one is written as a text: either is right (RFC 7519 §4.1.3), and more libraries read that. */
function plainAudience(audience: Audience): Audience {
  const [first, ...others] = [audience].flat();
  return first !== undefined && others.length === 0 ? first : audience;
}
