import type { Seconds } from "../../time.ts";
import type { RevokedKind } from "../../trust/trust-update.ts";
import { NOTICE_RETENTION } from "../sign-in.ts";
import type { Tx } from "./commit.ts";

type Ended = { kind: Exclude<RevokedKind, "token">; id: string; at: Seconds };

/**
 * Deletes what a revocation ends, and makes the logout notices of its sign-in sessions due. Grants before their refresh
 * tokens: the lock order of a rotation.
 */
export async function endRevoked(transaction: Tx, { kind, id, at }: Ended): Promise<void> {
  if (kind === "client") {
    await deleteGrants(transaction, "client_id", id);
    await transaction.deleteFrom("authorization_codes").where("client_id", "=", id).execute();
    return;
  }
  if (kind === "subject") await deleteGrants(transaction, "subject", id);
  // The id is that of a grant, and so of no sign-in session.
  else if (await deleteSession(transaction, id)) return;
  const column = kind === "subject" ? "subject" : "sid";
  await transaction.deleteFrom("sign_ins").where(column, "=", id).execute();
  await transaction.deleteFrom("authorization_codes").where(column, "=", id).execute();
  await transaction
    .updateTable("logout_notices")
    .set(({ eb }) => ({
      due_at: at,
      until: eb
        .case()
        .when("until", "<", at + NOTICE_RETENTION)
        .then(at + NOTICE_RETENTION)
        .else(eb.ref("until"))
        .end(),
    }))
    .where(column, "=", id)
    .where("due_at", "is", null)
    .execute();
}

/** What a client that is removed leaves: it can be asked for nothing any more. */
export async function deleteOfClient(transaction: Tx, clientId: string): Promise<void> {
  for (const table of ["sign_in_consents", "authorization_requests", "device_requests", "logout_notices"] as const)
    await transaction.deleteFrom(table).where("client_id", "=", clientId).execute();
}

async function deleteGrants(transaction: Tx, by: "subject" | "client_id", id: string): Promise<void> {
  const ended = await transaction.deleteFrom("sessions").where(by, "=", id).returning("sid").execute();
  await deleteRefreshTokens(transaction, ended);
}

/** Deletes the grant of this id, or the grants of this sign-in session. Returns whether it was the id of a grant. */
async function deleteSession(transaction: Tx, id: string): Promise<boolean> {
  const ended = await transaction
    .deleteFrom("sessions")
    .where(({ eb, or }) => or([eb("sid", "=", id), eb("sign_in", "=", id)]))
    .returning("sid")
    .execute();
  await deleteRefreshTokens(transaction, ended);
  return ended.some(({ sid }) => sid === id);
}

/** Values in one list: SQLite allows 32,766 parameters. */
const MAX_VALUES = 1000;

/** Deletes the refresh tokens of deleted grants. */
async function deleteRefreshTokens(transaction: Tx, ended: readonly { sid: string }[]): Promise<void> {
  for (let at = 0; at < ended.length; at += MAX_VALUES) {
    const sids = ended.slice(at, at + MAX_VALUES).map(({ sid }) => sid);
    await transaction.deleteFrom("refresh_tokens").where("sid", "in", sids).execute();
  }
}
