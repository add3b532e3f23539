import { MintmarkError } from "../../errors.ts";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { AuthorizationCode } from "../../store/authorization.ts";
import type { GrantType } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import type { ClientUses } from "../clients/client-uses.ts";
import { isRedirectUriOf } from "../clients/redirect-uri.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Counters } from "../operations/counters.ts";
import { plainAudience, targetAudiences, targetViolation } from "../resources/target.ts";
import type { Settings } from "../settings.ts";
import { createGrant, type GrantPolicy, hashOf } from "../tokens/grant.ts";
import type { IssuedToken, Issuer } from "../tokens/issue.ts";
import type { RevokeReusedGrant } from "../tokens/revocations.ts";
import { signIdToken } from "./id-token.ts";
import { hasScope } from "./openid.ts";
import { isVerifierOf } from "./pkce.ts";
import { isOwnCode } from "./secrets.ts";

/** The tokens of a code. `idToken`: with the scope `openid`. */
export type ExchangedTokens = IssuedToken & { idToken?: string | undefined };

type CodeRequest = {
  code: string;
  /** As in the authorization request. */
  redirectUri: string;
  /** The code verifier (RFC 7636 §4.5). */
  verifier: string;
  /** Narrow the audience of the access token (RFC 8707 §2.2). */
  resources?: readonly string[] | undefined;
};

export type CodeExchange = {
  /**
   * Exchanges an authorization code (RFC 6749 §4.1.3). Throws `invalid_code`, also for the code of another client, which stays
   * valid for that one (P8); `invalid_target`, and then the code stays valid (P21). A wrong verifier or redirect URI from its
   * own client ends the code. A second use ends the tokens of the first (RFC 9700 §2.1.1).
   */
  exchangeCode(caller: Caller, request: CodeRequest): Promise<ExchangedTokens>;
  /** Exchanges the approval of a device code. `undefined`: there is none for this client. */
  exchangeApproval(caller: Caller, deviceCode: string, grant: GrantType): Promise<ExchangedTokens | undefined>;
};

export type CodeExchangeOptions = {
  store: Pick<Store, "system" | "findCode" | "redeemCode" | "endCode">;
  settings: Pick<Settings, "issuer">;
  issuer: Issuer;
  keys: Pick<LoadedKeys, "current">;
  authorize: Authorize;
  audit: AuditLog;
  clock: Clock;
  counts: Counters;
  uses: Pick<ClientUses, "noteToken">;
  grants: GrantPolicy;
  /** Lifetime of an access token, and the longest one. */
  ttl: Seconds;
  revokeReusedGrant: RevokeReusedGrant;
};

/** How long a used code is remembered, to notice a second use. */
const REMEMBERED: Seconds = 86_400;

/** Exchanges codes for tokens. */
export function createCodeExchange(options: CodeExchangeOptions): CodeExchange {
  const { store, settings, issuer, keys, authorize, audit, clock, counts, uses } = options;

  /** The clocks of servers with one PostgreSQL database may differ by so much. Other processes share a clock. */
  const clockSkewOf = (code: string): Seconds =>
    store.system !== "postgresql" || isOwnCode(code) ? 0 : MAX_CLOCK_SKEW;

  const refuse = (caller: Caller, action: string, error: MintmarkError) =>
    authorize<never>(caller, { action, permission: undefined }, () => Promise.reject(error));

  /** Ends a code that its own client failed to exchange: another party has it, or tries (P7). */
  async function endCode({ hash, clientId, subject, sid }: AuthorizationCode): Promise<void> {
    const entry = { clientId, subject, target: sid, reason: "invalid_code" };
    await store.endCode(hash, audit.record({ ...entry, action: "exchangeCode.failed", outcome: "refused" }));
  }

  /** A second use: the code has been copied, so its tokens may be in other hands. */
  function endTokens({ clientId, subject }: AuthorizationCode, sid: string): Promise<void> {
    return options.revokeReusedGrant({ sid, clientId, subject }, "invalid_code");
  }

  async function exchange(
    presented: Caller,
    code: AuthorizationCode,
    { action, grant: grantType, resources = [] }: Exchange,
  ): Promise<ExchangedTokens> {
    const narrowed = resources.length > 0 ? targetAudiences(resources) : undefined;
    const violation =
      (narrowed && targetViolation(narrowed, [code.audience].flat())) ??
      (await issuer.openViolation(presented, code.audience));
    if (violation !== undefined)
      return refuse(presented, action, new MintmarkError("invalid_target", { issues: [violation] }));
    const requester = await issuer.requesterOf(presented);
    const { caller, sequence } = requester;
    const now = clock();
    const ttl = Math.min(options.ttl, caller.maxTtl ?? options.ttl);
    const isRefreshable = mayRefresh(caller, code.scope);
    const created = createGrant(caller, { ...code, ttl, signIn: code.sid }, { policy: options.grants, now });
    const { refreshToken } = created;
    // Without a refresh token, a grant lasts as long as its access token. It is what ends with the code or the consent.
    const end = now + ttl;
    const grant = isRefreshable ? created.grant : { ...created.grant, expiresAt: end, idleUntil: end };
    const audience = narrowed === undefined ? code.audience : plainAudience(narrowed);
    const { operation, sign } = issuer.prepare({ ...grant, audience }, requester, {
      grant: grantType,
      defaultAudience: code.audience,
    });
    return authorize(caller, { action, ...operation }, async (record) => {
      const issued = await sign();
      const { signing: key } = keys.current();
      const isOfPerson = hasScope(code.scope, "openid") && key !== undefined;
      const signing = { issuer: settings.issuer(), accessToken: issued.token, now, ttl };
      const idToken = isOfPerson ? await signIdToken(code, { ...signing, key }) : undefined;
      const redemption = {
        grant,
        sequence,
        until: now + REMEMBERED,
        notify: caller.backchannelLogoutUri !== undefined,
        ...(isRefreshable && { refreshHash: hashOf(refreshToken) }),
      };
      const outcome = await store.redeemCode(code.hash, redemption, record);
      if (outcome === "used") {
        const used = await store.findCode(code.hash);
        if (used?.grantSid !== undefined) await endTokens(used, used.grantSid);
      }
      if (outcome !== "redeemed") throw new MintmarkError("invalid_code");
      counts.issued.exchangeCode += 1;
      uses.noteToken(caller);
      return { ...issued, ...(isRefreshable && { refreshToken }), ...(idToken !== undefined && { idToken }) };
    });
  }

  return {
    async exchangeCode(caller, { code: text, redirectUri, verifier, resources }) {
      const action = "exchangeCode";
      const invalid = () => refuse(caller, action, new MintmarkError("invalid_code"));
      const code = await store.findCode(hashOf(text));
      if (code?.challenge === undefined || code.clientId !== caller.clientId) return invalid();
      if (code.grantSid !== undefined) {
        await endTokens(code, code.grantSid);
        return invalid();
      }
      if (code.expiresAt + clockSkewOf(text) <= clock()) return invalid();
      // The client may have lost the redirect URI since: then the code may be in the hands of another.
      const isOfClient = isRedirectUriOf(caller, redirectUri) && code.redirectUri === redirectUri;
      if (!isOfClient || !isVerifierOf(code.challenge, verifier)) {
        await endCode(code);
        return invalid();
      }
      return exchange(caller, code, { action, grant: "authorization_code", resources });
    },

    async exchangeApproval(caller, deviceCode, grant) {
      const code = await store.findCode(hashOf(deviceCode));
      const isApproval = code !== undefined && code.challenge === undefined && code.clientId === caller.clientId;
      if (!isApproval || code.expiresAt <= clock()) return undefined;
      const action = "exchangeDeviceCode";
      if (code.grantSid === undefined) return exchange(caller, code, { action, grant });
      await endTokens(code, code.grantSid);
      return refuse(caller, action, new MintmarkError("invalid_code"));
    },
  };
}

type Exchange = {
  action: string;
  grant: GrantType;
  resources?: readonly string[] | undefined;
};

/** A client with the grant type gets a refresh token where the person agreed to offline access, or nobody has to agree. */
function mayRefresh({ grants = [], firstParty = false }: Caller, scope: string | undefined): boolean {
  return grants.includes("refresh_token") && (firstParty || hasScope(scope, "offline_access"));
}
