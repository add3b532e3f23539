import type { z } from "zod";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { Grant } from "../../store/grant.ts";
import type { NewRevocation } from "../../store/revocation.ts";
import type { Store } from "../../store/store.ts";
import type { Claims, ClaimsSchema, RegisteredClaims } from "../../token/claims.ts";
import type { TokenIdentity } from "../../token/verify.ts";
import type { VerifyToken } from "../../verifier/token-verifier.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize } from "../access/authorize.ts";
import { type Caller, localCaller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import { hashOf } from "./grant.ts";

/** An introspection response (RFC 7662 §2.2). */
export type Introspection<Custom> = { active: false } | ({ active: true } & Claims<Custom>);

/** Revokes the grant of a code or refresh token that was used again, and so must have been copied (RFC 9700 §2.1.1, §4.14.2). */
export type RevokeReusedGrant = (
  grant: Pick<Grant, "sid" | "clientId" | "subject">,
  reason: keyof typeof REUSED,
) => Promise<void>;

/** The action in the audit log, by what was used again. */
const REUSED = { invalid_refresh_token: "refreshToken.reused", invalid_code: "exchangeCode.reused" } as const;

export type Revocations<Schema extends ClaimsSchema> = {
  /**
   * Revokes an access token, or the grant of a refresh token with all its tokens (RFC 7009). An unknown or foreign token is
   * no error (RFC 7009 §2.2): `revoked` is absent then. Throws `permission_denied` for a token of another client without
   * the permission `revoke`.
   */
  revokeToken(caller: Caller, token: string): Promise<{ sequence: number; revoked?: "token" | "session" }>;
  /**
   * Revokes all tokens issued so far to a subject or client. An unknown client, as after a restore, is revoked too;
   * `unknownClient` reports it.
   */
  revokeAll(
    caller: Caller,
    of: { kind: "subject" | "client"; id: string },
  ): Promise<{ sequence: number; unknownClient?: true }>;
  /** Revokes a grant, or a sign-in session, with all its tokens. One that is unknown, as after a restore, is revoked too; `unknownGrant` reports it. */
  revokeGrant(caller: Caller, sid: string): Promise<{ sequence: number; unknownGrant?: true }>;
  revokeReusedGrant: RevokeReusedGrant;
  /**
   * Whether an access token is active, and its claims (RFC 7662). Throws `permission_denied` without the permission
   * `introspect`, unless the caller is in the `aud` of the token.
   */
  introspectToken(caller: Caller, token: string): Promise<Introspection<z.output<Schema>>>;
};

export type RevocationsOptions<Schema extends ClaimsSchema> = {
  store: Store;
  trust: StoreFollower;
  authorize: Authorize;
  audit: AuditLog;
  verify: VerifyToken<Schema>;
  /**
   * Identifies a token of this service; undefined for others. Checks neither its times nor the current settings: a server
   * with another clock or configuration may accept it.
   */
  identify: (token: string) => Promise<TokenIdentity | undefined>;
  counts: Counters;
};

type Target = NewRevocation & { kind: "token" | "session"; clientId: string | undefined; subject: string | undefined };

/** The use cases of revocation. A revocation is durable and effective on this server before its promise resolves. */
export function createRevocations<Schema extends ClaimsSchema>(
  options: RevocationsOptions<Schema>,
): Revocations<Schema> {
  const { store, trust, authorize, audit, verify, identify, counts } = options;

  async function targetOf(token: string): Promise<Target | undefined> {
    const grant = await store.findGrant(hashOf(token));
    if (grant !== undefined) {
      const { sid: id, clientId, subject } = grant;
      return { kind: "session", id, clientId, subject };
    }
    if (trust.isStale()) throw new MintmarkError("verifier_stale");
    const claims = await identify(token);
    return (
      claims && { kind: "token", id: claims.jti, until: claims.exp, clientId: claims.client_id, subject: claims.sub }
    );
  }

  const isClient = async (id: string) => id === localCaller.clientId || (await store.findClient(id)) !== undefined;

  const isKnownSession = async (sid: string) =>
    (await store.findSignInBySid(sid)) !== undefined ||
    (await store.findRevocations([{ kind: "session", id: sid }])).length > 0;

  return {
    async revokeToken(caller, token) {
      const target = await targetOf(token);
      const isOwn = target === undefined || target.clientId === caller.clientId;
      const operation = {
        action: "revokeToken",
        permission: isOwn ? undefined : "revoke",
        target: target && { subject: target.subject, [target.kind === "token" ? "jti" : "target"]: target.id },
      } as const;
      return authorize(caller, operation, async (record) => {
        if (target === undefined) {
          // A revocation that made it unknown may not be on the disk yet: the next commit is there after it.
          await store.checkWritable(1);
          return { sequence: (await trust.latest()).sequence };
        }
        const { clientId, subject, ...revocation } = target;
        const sequence = await store.revoke(revocation, record);
        counts.revoked[target.kind] += 1;
        await trust.catchUp();
        return { sequence, revoked: target.kind };
      });
    },

    revokeAll: (caller, { kind, id }) =>
      authorize(
        caller,
        {
          action: "revoke",
          permission: kind === "client" && id === caller.clientId ? undefined : "revoke",
          target: kind === "subject" ? { subject: id } : { target: id },
        },
        async (record) => {
          const isKnown = kind === "subject" || id === caller.clientId || (await isClient(id));
          const sequence = await store.revoke({ kind, id }, record);
          counts.revoked[kind] += 1;
          await trust.catchUp();
          return { sequence, ...(!isKnown && { unknownClient: true }) };
        },
      ),

    async revokeGrant(caller, sid) {
      const grant = await store.findGrantBySid(sid);
      const isOwn = grant?.clientId === caller.clientId;
      const target = { target: sid, ...(grant !== undefined && { subject: grant.subject }) };
      const permission = isOwn ? undefined : "revoke";
      return authorize(caller, { action: "revoke", permission, target }, async (record) => {
        const isKnown = grant !== undefined || (await isKnownSession(sid));
        const sequence = await store.revoke({ kind: "session", id: sid }, record);
        counts.revoked.session += 1;
        await trust.catchUp();
        return { sequence, ...(!isKnown && { unknownGrant: true }) };
      });
    },

    async revokeReusedGrant({ sid, clientId, subject }, reason) {
      const target = { clientId, subject, target: sid, reason };
      const record = audit.record({ ...target, action: REUSED[reason], outcome: "refused" });
      await store.revoke({ kind: "session", id: sid }, record);
      counts.revoked.session += 1;
      await trust.catchUp();
    },

    async introspectToken(caller, token) {
      const verification = verify(token, {}).catch(undefinedIfInvalid);
      const permission = await verification.then(
        (claims) => (isAudienceOf(claims, caller) ? undefined : "introspect"),
        // Thrown below, to everybody: a refusal would say that the token is inactive (RFC 7662 §2.2).
        () => undefined,
      );
      return authorize(caller, { action: "introspectToken", permission }, async () => {
        const claims = await verification;
        return claims === undefined ? { active: false } : { active: true, ...claims };
      });
    },
  };
}

/** Whether a token is for a client that has proved who it is: anybody can name a public client (RFC 7662 §2.1). */
function isAudienceOf(claims: Pick<RegisteredClaims, "aud"> | undefined, { authMethod, clientId }: Caller): boolean {
  return claims !== undefined && authMethod !== "none" && [claims.aud].flat().includes(clientId);
}

/** An invalid token is inactive; a failed verification is an error. */
function undefinedIfInvalid(error: unknown): undefined {
  if (error instanceof MintmarkError && !FAILURES.has(error.reason)) return;
  throw error;
}

const FAILURES: ReadonlySet<Reason> = new Set(["verifier_stale", "unavailable", "internal_error"]);
