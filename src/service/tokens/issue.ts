import { currentTurn } from "../../async/turn.ts";
import { type Issue, MintmarkError } from "../../errors.ts";
import type { GrantType } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { type Audience, type ClaimsSchema, joinClaims } from "../../token/claims.ts";
import { createJti, signAccessToken } from "../../token/sign.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize, Operation } from "../access/authorize.ts";
import { type Caller, type CurrentCaller, grantViolation } from "../access/caller.ts";
import { resourceScope } from "../authorization/openid.ts";
import { policyViolation, type RequestedGrant } from "../clients/client-policy.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Counters } from "../operations/counters.ts";
import { openTargetViolation } from "../resources/target.ts";
import type { Settings } from "../settings.ts";
import { createGrant, type GrantParameters, type GrantPolicy, hashOf } from "./grant.ts";

/** An issued token, with the members of RFC 6749 §5.1. */
export type IssuedToken = {
  token: string;
  tokenType: "Bearer";
  expiresIn: Seconds;
  scope: string;
  refreshToken?: string | undefined;
};

export type IssueOptions = {
  settings: Pick<Settings, "issuer" | "audience">;
  currentCaller: CurrentCaller;
  claimsSchema: ClaimsSchema;
  /** The longest lifetime of a token. */
  maxTtl: Seconds;
  grants: GrantPolicy;
  store: Pick<Store, "addGrant" | "findGrant" | "rotateRefreshToken" | "findResources">;
  keys: Pick<LoadedKeys, "current">;
  trust: Pick<StoreFollower, "latest">;
  authorize: Authorize;
  audit: AuditLog;
  clock: Clock;
  counts: Counters;
};

/** A caller with its rights as of `sequence`, the number of the latest change: every later revocation has a higher one. */
type Requester = { caller: Caller; sequence: number };

/** A token before authorisation: the operation to authorise, and the function that signs. */
type PreparedToken = { operation: Omit<Operation, "action">; sign: () => Promise<IssuedToken> };

type IssueRequest = { action: string; grant: GrantType; refreshable: boolean; violation?: Issue | undefined };

export type Issuer = {
  /**
   * Reads the number of the latest change, and the rights of a caller that a change may have withdrawn. Throws
   * `invalid_client` where its secret has ended: a token to it would not be covered by the revocation.
   */
  requesterOf(caller: Caller): Promise<Requester>;
  /** Why a client that introduced itself gets no more tokens for what a person granted it, if so: it is no open resource now. */
  openViolation(caller: Caller, audience: Audience): Promise<Issue | undefined>;
  /** Prepares a token for a requester. */
  prepare(
    parameters: GrantParameters,
    requester: Requester,
    options: { grant: GrantType; defaultAudience?: Audience },
  ): PreparedToken;
  /**
   * Issues a token to a requester, with a refresh token if `refreshable`; refuses it for a `violation`. Resolves when the
   * audit record is durable.
   */
  issue(parameters: GrantParameters, requester: Requester, options: IssueRequest): Promise<IssuedToken>;
};

/** Issues access tokens. */
export function createIssuer(options: IssueOptions): Issuer {
  const { settings, currentCaller, claimsSchema, maxTtl, store, keys, trust, authorize, audit, clock, counts } =
    options;

  async function requesterOf(caller: Caller): Promise<Requester> {
    if (caller.asOf !== undefined && caller.readIn === currentTurn()) return { caller, sequence: caller.asOf };
    const latest = await trust.latest();
    return { caller: await currentCaller(caller, latest), sequence: latest.sequence };
  }

  async function openViolation({ introduced }: Caller, audience: Audience): Promise<Issue | undefined> {
    if (introduced === undefined) return undefined;
    const audiences = [audience].flat();
    return openTargetViolation(audiences, await store.findResources(audiences));
  }

  function prepare(
    parameters: GrantParameters,
    { caller, sequence }: Requester,
    { grant, defaultAudience = settings.audience() }: { grant: GrantType; defaultAudience?: Audience },
  ): PreparedToken {
    const { signing: key } = keys.current();
    if (key === undefined) throw new MintmarkError("unavailable");
    const jti = createJti(sequence, Date.now());
    const iat = clock();
    const exp = iat + parameters.ttl;
    const { subject, sid, signIn } = parameters;
    const ids = signIn === undefined ? sid : `${signIn} ${sid}`;
    const target = { subject, jti, kid: key.kid, expiresAt: exp, ...(ids !== undefined && { target: ids }) };
    const denial = (current: Caller) =>
      grantViolation(current, grant) ?? policyViolation(current, requestedOf(parameters), defaultAudience);
    const registered = {
      iss: settings.issuer(),
      sub: parameters.subject,
      aud: typeof parameters.audience === "string" ? parameters.audience : [...parameters.audience],
      iat,
      exp,
      jti,
      client_id: caller.clientId,
      ...(parameters.scope !== undefined && { scope: parameters.scope }),
      ...(sid !== undefined && { sid: signIn ?? sid }),
      ...(signIn !== undefined && { grant_id: sid }),
    };
    const claims = joinClaims(parameters.claims, registered);
    const sign = async (): Promise<IssuedToken> => ({
      token: await signAccessToken(claims, { key, claimsSchema, maxLifetime: maxTtl }),
      tokenType: "Bearer",
      expiresIn: parameters.ttl,
      scope: parameters.scope ?? "",
    });
    // What a person has granted needs no permission of the client.
    const permission = signIn === undefined ? "issue" : undefined;
    return { operation: { permission, target, denial, isCurrent: true }, sign };
  }

  async function issue(
    parameters: GrantParameters,
    requester: Requester,
    { action, grant, refreshable, violation }: IssueRequest,
  ): Promise<IssuedToken> {
    const { caller, sequence } = requester;
    const granted = refreshable ? createGrant(caller, parameters, { policy: options.grants, now: clock() }) : undefined;
    const { operation, sign } = prepare(granted?.grant ?? parameters, requester, { grant });
    const denial = (current: Caller) => operation.denial?.(current) ?? violation;
    return authorize(caller, { action, ...operation, denial }, async (record) => {
      const issued = await sign();
      if (granted === undefined) await audit.append(record);
      else {
        const first = { hash: hashOf(granted.refreshToken), sequence };
        if ((await store.addGrant(granted.grant, first, record)) === "revoked") throw new MintmarkError("conflict");
      }
      counts.issued.getToken += 1;
      return granted === undefined ? issued : { ...issued, refreshToken: granted.refreshToken };
    });
  }

  return { requesterOf, openViolation, prepare, issue };
}

/** What the limits of a client apply to. A person's own subject, and the scopes of OpenID Connect, are granted by the person. */
function requestedOf({ subject, audience, scope, ttl: expiresIn, signIn }: GrantParameters): RequestedGrant {
  if (signIn === undefined) return { subject, audience, scope, expiresIn };
  return { audience, scope: resourceScope(scope), expiresIn };
}
