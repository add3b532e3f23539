import { type Kysely, sql, type Updateable } from "kysely";
import type { ChangeRecord } from "../audit.ts";
import { areSameSecrets, type Client, haveSameFields, isPublic } from "../client.ts";
import type { Store } from "../store.ts";
import { type Commit, findClient } from "./commit.ts";
import { deleteOfClient } from "./end-revoked.ts";
import { fromClientRow, toClientFieldsRow, toClientRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";
import { ONE, statement } from "./statement.ts";
import { addRevocation } from "./trust-queries.ts";

type ClientQueries = Pick<
  Store,
  "findClient" | "listClients" | "addClient" | "replaceSecrets" | "updateClient" | "recordUses" | "removeClient"
>;

type ClientChange<Outcome> = {
  isUnchanged: (client: Client) => boolean;
  columns: Updateable<Schema["clients"]>;
  outcome: Outcome;
};
const AS_OF = sql<number>`(select revision from state)`.as("as_of");

const selectById = statement((db, { clientId }: { clientId: string }) =>
  db.selectFrom("clients").selectAll().select(AS_OF).where("client_id", "=", clientId).limit(ONE),
);

export function createClientQueries(db: Kysely<Schema>, commit: Commit): ClientQueries {
  /** A change that may end the validity of a secret, withdraw a right, or add the pages of a public client. */
  const commitClients: Commit = (record, apply) =>
    commit(record, async (transaction, state) => {
      await transaction.updateTable("state").set({ clients_revision: state.sequence }).execute();
      return apply(transaction, state);
    });

  const compareAndSet = <Outcome>(clientId: string, record: ChangeRecord, change: ClientChange<Outcome>) =>
    commitClients<Outcome | "changed">(record, async (transaction) => {
      const client = await findClient(transaction, clientId);
      if (client === undefined || !change.isUnchanged(client)) return { outcome: "changed" };
      await transaction.updateTable("clients").set(change.columns).where("client_id", "=", clientId).execute();
      return { outcome: change.outcome, record };
    });

  return {
    async findClient(clientId) {
      const [row] = (await selectById(db, { clientId })).rows;
      return row && { ...fromClientRow(row), asOf: row.as_of };
    },

    async listClients(which) {
      const all = db.selectFrom("clients").selectAll().orderBy("name").orderBy("client_id");
      const rows = await (which === undefined ? all : all.where("introduced", "is", null)).execute();
      return rows.map(fromClientRow);
    },

    addClient: (client, record) =>
      (isPublic(client) ? commitClients : commit)(record, async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("clients")
          .values(toClientRow(client))
          .onConflict((conflict) => conflict.column("client_id").doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n ? { outcome: "added", record } : { outcome: "present" };
      }),

    replaceSecrets: (clientId, { from, to }, record) =>
      compareAndSet(clientId, record, {
        isUnchanged: ({ secrets }) => areSameSecrets(secrets, from),
        columns: { secrets: JSON.stringify(to) },
        outcome: "replaced",
      }),

    updateClient: (clientId, { from, to }, record) =>
      compareAndSet(clientId, record, {
        isUnchanged: (client) => haveSameFields(client, from),
        columns: toClientFieldsRow(to),
        outcome: "updated",
      }),

    recordUses: (uses) =>
      db.transaction().execute(async (transaction) => {
        // One lock order on all servers avoids deadlocks.
        for (const { clientId, at } of [...uses].sort((a, b) => (a.clientId < b.clientId ? -1 : 1)))
          await transaction
            .updateTable("clients")
            .set({ last_used_at: at })
            .where("client_id", "=", clientId)
            .where(({ eb, or }) => or([eb("last_used_at", "is", null), eb("last_used_at", "<", at)]))
            .execute();
      }),

    removeClient: (clientId, record) =>
      commitClients(record, async (transaction, state) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("clients")
          .where("client_id", "=", clientId)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return { outcome: "unknown" };
        await addRevocation(transaction, { kind: "client", id: clientId }, { ...state, at: record.at });
        await deleteOfClient(transaction, clientId);
        return { outcome: "removed", record };
      }),
  };
}
