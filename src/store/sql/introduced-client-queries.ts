import { type Kysely, type RawBuilder, sql } from "kysely";
import { haveSameFields, type Introduction, introductions } from "../client.ts";
import type { IntroducedClientStore } from "../introduced-client-store.ts";
import { findClient, type Tx, writeWithRecord } from "./commit.ts";
import { toClientFieldsRow, toClientRow } from "./mappers.ts";
import type { SkipLocked } from "./prune.ts";
import type { Schema } from "./schema.ts";

/** Clients that a new one displaces in one transaction: more are there only where the bound was lowered. */
const MAX_DISPLACED = 200;

export function createIntroducedClientQueries(db: Kysely<Schema>, skipLocked: SkipLocked): IntroducedClientStore {
  return {
    addIntroducedClient: (client, { maxUnused }, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("clients")
          .values(toClientRow(client))
          .onConflict((conflict) => conflict.column("client_id").doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows !== 1n) return { outcome: "present" };
        // Not the new one, where a flood has come within one second.
        const oldest = sql`select client_id from clients where ${isUnused(client.introduced)}
          and client_id <> ${client.clientId} order by created_at desc, client_id desc
          limit ${MAX_DISPLACED} offset ${maxUnused - 1} ${skipLocked}`;
        await deleteIdle(transaction, oldest);
        return { outcome: "added", record };
      }),

    updateDocument: (clientId, { from, to, freshUntil }, record) =>
      writeWithRecord(db, async (transaction) => {
        const client = await findClient(transaction, clientId);
        if (client?.introduced !== "document" || !haveSameFields(client, from)) return { outcome: "changed" };
        const { name, oauth } = toClientFieldsRow(client);
        const { numUpdatedRows } = await transaction
          .updateTable("clients")
          .set({ ...toClientFieldsRow(to), document_fresh_until: freshUntil })
          .where("client_id", "=", clientId)
          .where("name", "=", name)
          .where("oauth", "=", oauth)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? { outcome: "updated", record } : { outcome: "changed" };
      }),

    async pruneIntroducedClients({ added, used }, limit) {
      const due = introductions.flatMap((kind) => [
        sql`${isUnused(kind)} and created_at < ${added}`,
        sql`introduced = ${kind} and last_used_at < ${used}`,
      ]);
      let count = 0;
      for (const isDue of due) {
        const idle = sql`select client_id from clients where ${isDue} and ${hasNone("authorization_requests")}
          and ${IS_IDLE} limit ${limit - count} ${skipLocked}`;
        count += await db.transaction().execute((transaction) => deleteIdle(transaction, idle));
        if (count === limit) return { count, more: true };
      }
      return { count, more: false };
    },
  };
}

function isUnused(kind: Introduction): RawBuilder<boolean> {
  return sql`introduced = ${kind} and last_used_at is null`;
}

const hasNone = (table: "sessions" | "authorization_codes" | "authorization_requests"): RawBuilder<boolean> =>
  sql`not exists (select 1 from ${sql.table(table)} where client_id = clients.client_id)`;

/** Its use is stored up to a minute later, so a grant counts as well. */
const IS_IDLE = sql<boolean>`${hasNone("sessions")} and ${hasNone("authorization_codes")}`;

/**
 * Deletes those of the clients that are idle, with what people have agreed to. Returns how many. They are selected once: within
 * `in`, PostgreSQL may select again for each row, and each time skips those that it has locked, so more than its limit go.
 */
async function deleteIdle(transaction: Tx, clients: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ client_id: string }>`
    with selected as materialized (${clients})
    delete from clients where client_id in (select client_id from selected) and ${IS_IDLE}
    returning client_id`.execute(transaction);
  const ids = rows.map(({ client_id }) => client_id);
  for (const table of ["sign_in_consents", "authorization_requests"] as const)
    if (ids.length > 0) await transaction.deleteFrom(table).where("client_id", "in", ids).execute();
  return ids.length;
}
