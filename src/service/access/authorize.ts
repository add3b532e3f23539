import { catalogue, type Issue, MintmarkError, type Reason } from "../../errors.ts";
import type { ChangeRecord } from "../../store/audit.ts";
import { haveSameRights, type Permission, rightsOf } from "../../store/client.ts";
import type { AuditEntry, AuditLog } from "./audit-log.ts";
import { type Caller, hasPermission, missing } from "./caller.ts";

/** An operation: its name, who may perform it, and its target. */
export type Operation = {
  action: string;
  /** The required permission, or a list of which one is enough. Undefined: every client may. */
  permission: Permission | readonly Permission[] | undefined;
  target?: Pick<AuditEntry, "subject" | "jti" | "kid" | "target" | "expiresAt" | "fields"> | undefined;
  /** Why a caller is refused although it has the permission. */
  denial?: ((caller: Caller) => Issue | undefined) | undefined;
  /** Whether the rights of the caller are current. Default: they are read again if anything has changed since. */
  isCurrent?: boolean;
};

/** Performs an operation for a caller. `work` writes the given audit record in its own transaction. */
export type Authorize = <Result>(
  caller: Caller,
  operation: Operation,
  work: (record: ChangeRecord) => Promise<Result>,
) => Promise<Result>;

export type AuthorizerOptions = {
  audit: AuditLog;
  /** The caller with its current rights. Throws `invalid_client` where its secret has ended since its authentication. */
  refresh: (caller: Caller) => Promise<Caller>;
};

/**
 * The only place that authorises and audits. The record of a refusal is durable before the error is thrown; those of a public
 * client are counted. The error names the missing right.
 *
 * A caller may lose rights between its authentication and its operation. They are read again here, and a change checks under
 * its lock that they are still the same: otherwise the operation is authorised again.
 */
export function createAuthorizer({ audit, refresh }: AuthorizerOptions): Authorize {
  return async function authorize(presented, operation, work) {
    const { action, permission, target, denial, isCurrent = false } = operation;
    const caller = isCurrent ? presented : await refresh(presented);
    const lacks = lackOf(caller, permission) ?? denial?.(caller);
    const entry = { clientId: caller.clientId, action, ...target };
    const refuse = async (reason: Reason) => {
      // Anybody can name a public client.
      if (caller.authMethod === "none") audit.countDenial({ clientId: caller.clientId, action, reason });
      else await audit.append(audit.record({ outcome: "refused", reason, ...entry }));
    };
    if (lacks !== undefined) {
      await refuse("permission_denied");
      throw new MintmarkError("permission_denied", { issues: [lacks] });
    }
    try {
      const record: ChangeRecord = audit.record({ outcome: "allowed", ...entry });
      if (caller.asOf !== undefined)
        Object.assign(record, { credential: caller.credential ?? "", rights: rightsOf(caller) });
      return await work(record);
    } catch (error) {
      if (isConflict(error) && !haveSameRights(await refresh(caller), caller))
        return authorize(caller, { ...operation, isCurrent: false }, work);
      if (error instanceof MintmarkError && !isServerFailure(error)) await refuse(error.reason);
      throw error;
    }
  };
}

/** The permissions of which a caller has none, if so. */
function lackOf(caller: Caller, permission: Operation["permission"]): Issue | undefined {
  const sufficient = typeof permission === "string" ? [permission] : permission;
  if (sufficient === undefined || sufficient.some((each) => hasPermission(caller, each))) return undefined;
  return missing(sufficient);
}

function isConflict(error: unknown): boolean {
  return error instanceof MintmarkError && error.reason === "conflict";
}

/** Whether the server failed: nothing was refused, and no record can be written. */
function isServerFailure({ reason }: MintmarkError): boolean {
  return catalogue[reason].status === 503;
}
