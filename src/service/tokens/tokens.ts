import type { z } from "zod";
import { type Issue, MintmarkError } from "../../errors.ts";
import { grantTypesOfPeople } from "../../store/client.ts";
import type { Seconds } from "../../time.ts";
import { type Claims, type ClaimsSchema, RESERVED_CLAIMS } from "../../token/claims.ts";
import type { VerifyToken } from "../../verifier/token-verifier.ts";
import type { Caller } from "../access/caller.ts";
import type { ClientUses } from "../clients/client-uses.ts";
import {
  plainAudience,
  resourceScopeViolation,
  type TargetedRequest,
  targetAudiences,
  targetViolation,
} from "../resources/target.ts";
import type { CallLimits } from "../throttle/call-limits.ts";
import { type GrantParameters, hashOf, refreshRotation, scopeViolation } from "./grant.ts";
import { createIssuer, type IssuedToken, type IssueOptions } from "./issue.ts";
import type { RevokeReusedGrant } from "./revocations.ts";

/** A token request. The router's schemas validate the values; see there for their ranges. */
export type TokenRequest<Custom = Record<string, unknown>> = {
  subject?: string | undefined;
  audience?: string | string[] | undefined;
  scope?: string | undefined;
  expiresIn?: Seconds | undefined;
  claims: Custom;
  /** Whether to issue a refresh token too. */
  refreshable?: boolean | undefined;
};

export type VerificationRequest = {
  token: string;
  audience?: string | string[] | undefined;
  scope?: string | undefined;
};
export type RefreshRequest = { refreshToken: string; scope?: string | undefined };

export type Tokens<Schema extends ClaimsSchema> = {
  /**
   * Issues an access token. Default subject: the caller itself (RFC 9068 §5). Throws `invalid_target` unless each of
   * `resources` is registered, the default audience, or an audience that the client has by name.
   */
  getToken(caller: Caller, request: TokenRequest<z.input<Schema>> & TargetedRequest): Promise<IssuedToken>;
  /**
   * Issues the next access token of a grant, and the next refresh token (RFC 6749 §6). Within the replay window a used token
   * returns the same successor; after it, reuse revokes the grant (RFC 9700 §4.14.2).
   * `resources` narrow the audience of the access token alone (RFC 8707 §2.2). Throws `invalid_target` where one is no
   * audience of the grant, or a client that introduced itself may not request that any more; the refresh token is not consumed then.
   */
  refreshToken(caller: Caller, request: RefreshRequest & TargetedRequest): Promise<IssuedToken>;
  /** Verifies an access token for an audience; see `createTokenVerifier` for the checks. Counts the call if given an address. */
  verifyToken(request: VerificationRequest, address?: string): Promise<Claims<z.output<Schema>>>;
};

export type TokensOptions<Schema extends ClaimsSchema> = IssueOptions & {
  /** Lifetime of a token that asks for none. */
  ttl: Seconds;
  rates: Pick<CallLimits, "ofAddress">;
  verify: VerifyToken<Schema>;
  uses: Pick<ClientUses, "noteToken">;
  /** Revokes the grant of a refresh token that was used again after its replay window. */
  revokeReusedGrant: RevokeReusedGrant;
};

/** The use cases of access tokens. Returns no token before its audit record is durable. */
export function createTokens<Schema extends ClaimsSchema>(options: TokensOptions<Schema>): Tokens<Schema> {
  const { settings, maxTtl, store, authorize, clock, counts } = options;
  const { requesterOf, openViolation, prepare, issue } = createIssuer(options);

  /** Refuses a request of a client that may request tokens. Others do not learn the reason. */
  const refuse = (caller: Caller, action: string, error: MintmarkError) =>
    authorize<never>(caller, { action, permission: permissionFor(action, caller) }, () => Promise.reject(error));

  /** The audiences of the requested resources, and what violates the rules of these. */
  async function findTarget(caller: Caller, resources: readonly string[], scope: string | undefined) {
    const audiences = targetAudiences(resources);
    const registered = await store.findResources(audiences);
    const known = [...registered.map((resource) => resource.audience), settings.audience(), ...caller.audiences];
    const violation = targetViolation(audiences, known);
    return { audiences, violation, scopeViolation: resourceScopeViolation(scope, { audiences, registered }) };
  }

  return {
    async getToken(presented, { refreshable = false, expiresIn, claims = {}, resources = [], ...request }) {
      const action = "getToken";
      const reserved = Object.keys(claims).find((name) => RESERVED_CLAIMS.has(name));
      if (reserved !== undefined) throw reservedClaim(reserved);
      const requester = await requesterOf(presented);
      const { caller } = requester;
      const target = resources.length > 0 ? await findTarget(caller, resources, request.scope) : undefined;
      if (target?.violation !== undefined) return refuse(caller, action, invalidTarget(target.violation));
      const parameters: GrantParameters = {
        subject: request.subject ?? caller.clientId,
        audience: plainAudience(target?.audiences ?? request.audience ?? settings.audience()),
        scope: request.scope,
        claims,
        ttl: expiresIn ?? Math.min(options.ttl, caller.maxTtl ?? options.ttl),
      };
      return issue(parameters, requester, {
        action,
        grant: "client_credentials",
        refreshable,
        violation: target?.scopeViolation,
      });
    },

    async refreshToken(presented, { refreshToken, scope, resources = [] }) {
      const action = "refreshToken";
      const grant = await store.findGrant(hashOf(refreshToken));
      if (grant === undefined || grant.clientId !== presented.clientId)
        return refuse(presented, action, new MintmarkError("invalid_refresh_token"));
      const narrowed = resources.length > 0 ? targetAudiences(resources) : undefined;
      const violation =
        (narrowed && targetViolation(narrowed, [grant.audience].flat())) ??
        (await openViolation(presented, grant.audience));
      if (violation !== undefined) return refuse(presented, action, invalidTarget(violation));
      const requester = await requesterOf(presented);
      const { caller } = requester;
      // The limits may be lower since the grant, and the default audience another: that of the grant was allowed.
      const ttl = Math.min(grant.ttl, maxTtl, caller.maxTtl ?? maxTtl);
      const audience = narrowed === undefined ? grant.audience : plainAudience(narrowed);
      const parameters = { ...grant, audience, scope: scope ?? grant.scope, ttl };
      const { operation, sign } = prepare(parameters, requester, {
        grant: "refresh_token",
        defaultAudience: grant.audience,
      });
      const denial = (current: Caller) => operation.denial?.(current) ?? scopeViolation(grant, scope);
      return authorize(caller, { action, ...operation, denial }, async (record) => {
        const issued = await sign().catch(asInvalidGrant);
        const rotation = refreshRotation(grant, refreshToken, { policy: options.grants, now: clock() });
        const outcome = await store.rotateRefreshToken(grant.sid, rotation.change, record);
        if (outcome === "reused") await options.revokeReusedGrant(grant, "invalid_refresh_token");
        if (outcome === "reused" || outcome === "unknown") throw new MintmarkError("invalid_refresh_token");
        counts.issued.refreshToken += 1;
        options.uses.noteToken(caller);
        return { ...issued, refreshToken: rotation.successor };
      });
    },

    verifyToken({ token, audience = settings.audience(), scope }, address) {
      const rejection = address === undefined ? undefined : options.rates.ofAddress("verify", address);
      return rejection === undefined ? options.verify(token, { audience, scope }) : Promise.reject(rejection);
    },
  };
}

/** A client that people grant tokens to refreshes without a permission. */
function permissionFor(action: string, { grants }: Caller): "issue" | undefined {
  const isOfPeople = grants?.some((grant) => grantTypesOfPeople.has(grant)) ?? false;
  return action === "refreshToken" && isOfPeople ? undefined : "issue";
}

/** The grant violates the current settings, such as a changed claims schema: the client needs a new grant. */
function asInvalidGrant(cause: unknown): never {
  const isInvalid = cause instanceof MintmarkError && cause.reason === "invalid_request";
  throw isInvalid ? new MintmarkError("invalid_refresh_token", { cause }) : cause;
}

function invalidTarget(violation: Issue): MintmarkError {
  return new MintmarkError("invalid_target", { issues: [violation] });
}

/** For callers within this process: the router's schema refuses the others. */
function reservedClaim(name: string): MintmarkError {
  return new MintmarkError("invalid_request", {
    issues: [{ path: "claims", message: `may not set the registered claim "${name}"` }],
  });
}
