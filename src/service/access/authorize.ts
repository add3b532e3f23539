import { catalogue, type Issue, MintmarkError, type Reason } from "../../errors.ts";
import type { ChangeRecord } from "../../store/audit.ts";
import type { Permission } from "../../store/client.ts";
import type { AuditEntry, AuditLog } from "./audit-log.ts";
import { type Caller, hasPermission } from "./caller.ts";

/** An operation: its name, who may perform it, and its target. */
export type Operation = {
  action: string;
  /** The required permission. Undefined: every client may. */
  permission: Permission | undefined;
  target?: Pick<AuditEntry, "subject" | "jti" | "kid" | "target"> | undefined;
  /** Why the caller is refused although it has the permission. */
  denial?: Issue | undefined;
  /** Whether `work` itself checks that the client's secret is still valid. Default: checked before. */
  findsEnded?: boolean;
};

/** Performs an operation for a caller. `work` writes the given audit record in its own transaction. */
export type Authorize = <Result>(
  caller: Caller,
  operation: Operation,
  work: (record: ChangeRecord) => Promise<Result>,
) => Promise<Result>;

export type AuthorizerOptions = {
  audit: AuditLog;
  /** Whether the secret of a caller has ended since its authentication. A change checks again, under its lock. */
  hasEnded: (caller: Caller) => Promise<boolean>;
};

/**
 * The only place that authorises and audits. The record of a refusal is durable before the error is thrown; the error names
 * the missing right.
 */
export function createAuthorizer({ audit, hasEnded }: AuthorizerOptions): Authorize {
  return async (caller, { action, permission, target, denial, findsEnded = false }, work) => {
    if (!findsEnded && (await hasEnded(caller))) throw new MintmarkError("invalid_client");
    const isPermitted = permission === undefined || hasPermission(caller, permission);
    const lacks = isPermitted ? denial : { path: "permission", message: `${permission} is missing` };
    const entry = { clientId: caller.clientId, action, ...target };
    const refuse = (reason: Reason) => audit.append(audit.record({ outcome: "refused", reason, ...entry }));
    if (lacks !== undefined) {
      await refuse("permission_denied");
      throw new MintmarkError("permission_denied", { issues: [lacks] });
    }
    try {
      const record: ChangeRecord = audit.record({ outcome: "allowed", ...entry });
      if (caller.asOf !== undefined) record.secretHash = caller.secretHash ?? "";
      return await work(record);
    } catch (error) {
      if (error instanceof MintmarkError && !isServerFailure(error)) await refuse(error.reason);
      throw error;
    }
  };
}

/** Whether the server failed: nothing was refused, and no record can be written. */
function isServerFailure({ reason }: MintmarkError): boolean {
  return catalogue[reason].status === 503;
}
