import type { Kysely } from "kysely";
import type { Revocation } from "../trust/trust-update.ts";
import type { Change, Tx } from "./change.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

type TrustQueries = Pick<Store, "position" | "revoke" | "listRevocations" | "forgetRevocations">;
type Means = { change: Change; history: (() => Promise<string>) | undefined };

export function createTrustQueries(db: Kysely<Schema>, { change, history }: Means): TrustQueries {
  return {
    async position() {
      const state = await db.selectFrom("state").selectAll().executeTakeFirstOrThrow();
      const epoch = history === undefined ? state.epoch : `${state.epoch}.${await history()}`;
      return { epoch, sequence: state.revision, keysSequence: state.keys_revision };
    },

    revoke: (revocation, record) =>
      change(async (transaction, sequence) => {
        const known = await transaction
          .selectFrom("revocations")
          .select("sequence")
          .where("kind", "=", revocation.kind)
          .where("id", "=", revocation.id)
          .executeTakeFirst();
        // Tokens and sessions are revoked once and for all; whatever else, all that was issued until now.
        const isOnce = revocation.kind === "token" || revocation.kind === "session";
        if (known !== undefined && isOnce) return { outcome: known.sequence, record };
        await insertRevocation(transaction, { ...revocation, sequence });
        return { outcome: sequence, record };
      }),

    listRevocations: (after, limit) =>
      db.selectFrom("revocations").selectAll().where("sequence", ">", after).orderBy("sequence").limit(limit).execute(),

    async forgetRevocations(before) {
      const { numDeletedRows } = await db.deleteFrom("revocations").where("until", "<", before).executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

/** Which column of a session a revocation ends it by. */
const SESSIONS_BY = { subject: "subject", client: "client_id", session: "sid" } as const;

/** Writes a revocation down, and ends the sessions that it is about. */
export async function insertRevocation(transaction: Tx, revocation: Revocation): Promise<void> {
  const { kind, id, sequence, until } = revocation;
  await transaction
    .insertInto("revocations")
    .values(revocation)
    .onConflict((conflict) => conflict.columns(["kind", "id"]).doUpdateSet({ sequence, until }))
    .execute();
  if (kind !== "token") await endSessions(transaction, SESSIONS_BY[kind], id);
}

/** Ends sessions first and their tokens then, in the order in which a turn locks them. */
async function endSessions(
  transaction: Tx,
  by: (typeof SESSIONS_BY)[keyof typeof SESSIONS_BY],
  id: string,
): Promise<void> {
  const ended = await transaction.deleteFrom("sessions").where(by, "=", id).returning("sid").execute();
  await deleteTokensOf(transaction, ended);
}

/** Values in one list: SQLite takes 32,766 parameters. */
const MAX_VALUES = 1000;

/** Deletes the refresh tokens of sessions that are deleted already. */
export async function deleteTokensOf(transaction: Tx, ended: readonly { sid: string }[]): Promise<void> {
  for (let at = 0; at < ended.length; at += MAX_VALUES) {
    const sids = ended.slice(at, at + MAX_VALUES).map(({ sid }) => sid);
    await transaction.deleteFrom("refresh_tokens").where("sid", "in", sids).execute();
  }
}
