import type { z } from "zod";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { Grant } from "../../store/grant.ts";
import type { NewRevocation, Store } from "../../store/store.ts";
import type { Claims, ClaimsSchema } from "../../token/claims.ts";
import type { TokenIdentity } from "../../token/verify.ts";
import type { VerifyToken } from "../../verifier/token-verifier.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize } from "../access/authorize.ts";
import { type Caller, localCaller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import { hashOf } from "./refresh-token.ts";

/** What an introspection says of a token (RFC 7662 §2.2). */
export type Introspection<Custom> = { active: false } | ({ active: true } & Claims<Custom>);

export type Revocations<Schema extends ClaimsSchema> = {
  /**
   * Revokes one access token, or the session of a refresh token with all its tokens (RFC 7009). One that
   * is unknown or foreign revokes nothing, and that is no error: `revoked` is absent then.
   */
  revokeToken(caller: Caller, token: string): Promise<{ sequence: number; revoked?: "token" | "session" }>;
  /**
   * Revokes all that was issued until now to a subject or a client. A client need not be known any more, as after a restore:
   * it is revoked all the same, and `unknownClient` says so.
   */
  revokeAll(
    caller: Caller,
    of: { kind: "subject" | "client"; id: string },
  ): Promise<{ sequence: number; unknownClient?: true }>;
  /** Revokes the session of a refresh token that was used again too late: somebody has copied it. */
  revokeReusedGrant(grant: Grant): Promise<void>;
  /** Says whether an access token counts, and its claims if it does, whomever it is for. */
  introspectToken(caller: Caller, token: string): Promise<Introspection<z.output<Schema>>>;
};

export type RevocationsOptions<Schema extends ClaimsSchema> = {
  store: Store;
  trust: StoreFollower;
  authorize: Authorize;
  audit: AuditLog;
  verify: VerifyToken<Schema>;
  /**
   * Gives what identifies a token of this service, and nothing where it is none. Neither its times nor what this server
   * accepts today matter: others, with another clock or configuration, may accept it.
   */
  identify: (token: string) => Promise<TokenIdentity | undefined>;
  counts: Counters;
};

type Target = NewRevocation & { kind: "token" | "session"; clientId: string | undefined; subject: string | undefined };

/** The use cases of revocation. One is durable, and known to this server, before it is answered. */
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
        if (target === undefined) return { sequence: await trust.latest() };
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
          const sequence = await store.revoke({ kind, id }, record);
          counts.revoked[kind] += 1;
          await trust.catchUp();
          const isKnown = kind === "subject" || id === caller.clientId || (await isClient(id));
          return { sequence, ...(!isKnown && { unknownClient: true }) };
        },
      ),

    async revokeReusedGrant({ sid, clientId, subject }) {
      const target = { clientId, subject, target: sid, reason: "invalid_refresh_token" };
      const record = audit.record({ ...target, action: "refreshToken.reused", outcome: "refused" });
      await store.revoke({ kind: "session", id: sid }, record);
      counts.revoked.session += 1;
      await trust.catchUp();
    },

    introspectToken: (caller, token) =>
      authorize(caller, { action: "introspectToken", permission: "introspect" }, async () => {
        const claims = await verify(token, {}).catch(undefinedIfInvalid);
        return claims === undefined ? { active: false } : { active: true, ...claims };
      }),
  };
}

/** A token that is refused is one thing; not being able to tell is another. */
function undefinedIfInvalid(error: unknown): undefined {
  if (error instanceof MintmarkError && !FAILURES.has(error.reason)) return;
  throw error;
}

const FAILURES: ReadonlySet<Reason> = new Set(["verifier_stale", "unavailable", "internal_error"]);
