import type { Kysely, Transaction } from "kysely";
import type { StoredKey } from "../keys/key-pair.ts";
import type { AuditQuery, AuditRecord } from "./audit.ts";
import { fromAuditRow, fromClientRow, fromKeyRow, toAuditRow, toClientRow, toKeyRow } from "./rows.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

/** The verbs that are nothing but SQL. */
export type Queries = Omit<Store, "watch" | "close">;

/** Rows in one INSERT: SQLite takes 32,766 parameters. */
const MAX_ROWS = 1000;

/** What a change came to, and its record; without one, there was nothing to change. */
type Change<Outcome> = { outcome: Outcome; record?: AuditRecord };

/**
 * The store's verbs as one set of queries for every database. `announce` tells other processes of a
 * change, within the transaction that makes it.
 */
export function createQueries(
  db: Kysely<Schema>,
  announce: (transaction: Transaction<Schema>) => Promise<unknown> = async () => {},
): Queries {
  /** Runs a change under the one lock that all changes take, the row that numbers them, and writes its record. */
  function change<Outcome>(
    apply: (transaction: Transaction<Schema>, sequence: number) => Promise<Change<Outcome>>,
  ): Promise<Outcome> {
    return db.transaction().execute(async (transaction) => {
      const { revision } = await transaction
        .updateTable("state")
        .set(({ eb }) => ({ revision: eb("revision", "+", 1) }))
        .returning("revision")
        .executeTakeFirstOrThrow();
      const { outcome, record } = await apply(transaction, revision);
      if (record === undefined) return outcome;
      await transaction.insertInto("audit").values(toAuditRow(record)).execute();
      await announce(transaction);
      return outcome;
    });
  }

  return {
    async listKeys() {
      const rows = await db.selectFrom("keys").selectAll().orderBy("sequence").execute();
      return rows.map(fromKeyRow);
    },

    addKey: (key, record) => change((transaction, sequence) => putBehind(transaction, { key, sequence, record })),

    killKey: (kid, { now, replacement }, record) =>
      change(async (transaction, sequence) => {
        const key = await transaction
          .selectFrom("keys")
          .select(["follows", "activates_at"])
          .where("kid", "=", kid)
          .where("killed_at", "is", null)
          .executeTakeFirst();
        if (key === undefined) return { outcome: "unchanged" };
        // One that never signed makes room behind the key it was to follow.
        const follows = key.activates_at > now ? `killed ${kid}` : key.follows;
        await transaction
          .updateTable("keys")
          .set({ killed_at: now, private_jwk: "", follows })
          .where("kid", "=", kid)
          .execute();
        if (replacement !== undefined) await putBehind(transaction, { key: replacement, sequence, record });
        return { outcome: "killed", record };
      }),

    resealKeys: (keys, record) =>
      change(async (transaction) => {
        for (const { kid, privateJwk } of keys) {
          const change = transaction.updateTable("keys").set({ private_jwk: privateJwk });
          // One that was killed meanwhile stays without.
          await change.where("kid", "=", kid).where("killed_at", "is", null).execute();
        }
        return { outcome: "resealed", record };
      }),

    async findClient(clientId) {
      const row = await db.selectFrom("clients").selectAll().where("client_id", "=", clientId).executeTakeFirst();
      return row && fromClientRow(row);
    },

    async listClients() {
      const rows = await db.selectFrom("clients").selectAll().orderBy("name").orderBy("client_id").execute();
      return rows.map(fromClientRow);
    },

    addClient: (client, record) =>
      change(async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("clients")
          .values(toClientRow(client))
          .onConflict((conflict) => conflict.column("client_id").doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n ? { outcome: "added", record } : { outcome: "present" };
      }),

    replaceSecrets: (clientId, { from, to }, record) =>
      change(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("clients")
          .set({ secrets: JSON.stringify(to) })
          .where("client_id", "=", clientId)
          .where("secrets", "=", JSON.stringify(from))
          .executeTakeFirst();
        return numUpdatedRows === 1n ? { outcome: "replaced", record } : { outcome: "changed" };
      }),

    removeClient: (clientId, record) =>
      change(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("clients")
          .where("client_id", "=", clientId)
          .executeTakeFirst();
        return numDeletedRows === 1n ? { outcome: "removed", record } : { outcome: "unknown" };
      }),

    async appendAudit(records) {
      await db.transaction().execute(async (transaction) => {
        for (let at = 0; at < records.length; at += MAX_ROWS) {
          const rows = records.slice(at, at + MAX_ROWS).map(toAuditRow);
          await transaction.insertInto("audit").values(rows).execute();
        }
      });
    },

    async listAudit(query) {
      const rows = await auditPage(db, query).execute();
      return rows.map(fromAuditRow);
    },

    async pruneAudit(before) {
      const { numDeletedRows } = await db.deleteFrom("audit").where("at", "<", before).executeTakeFirst();
      return Number(numDeletedRows);
    },

    async revision() {
      const { revision } = await db.selectFrom("state").select("revision").executeTakeFirstOrThrow();
      return revision;
    },
  };
}

/**
 * Adds a key behind the one it follows. Where that has a follower, the follower signs no later than the
 * key would have. Neither signs before the one that it follows, whatever the clock says that asked for it.
 */
async function putBehind(
  transaction: Transaction<Schema>,
  { key, sequence, record }: { key: StoredKey; sequence: number; record: AuditRecord },
): Promise<Change<"added" | "activated" | "present">> {
  const keys = await transaction
    .selectFrom("keys")
    .select(["kid", "follows", "activates_at", "killed_at"])
    .where((eb) => eb.or([eb("kid", "=", key.follows), eb("follows", "=", key.follows)]))
    .execute();
  const followed = keys.find(({ kid }) => kid === key.follows);
  const hasSigned = followed !== undefined && followed.activates_at < (followed.killed_at ?? Number.POSITIVE_INFINITY);
  const activatesAt = Math.max(key.activatesAt, hasSigned ? followed.activates_at : 0);
  const follower = keys.find(({ follows }) => follows === key.follows);
  if (follower === undefined) {
    await transaction
      .insertInto("keys")
      .values(toKeyRow({ ...key, activatesAt }, sequence))
      .execute();
    return { outcome: "added", record };
  }
  if (follower.activates_at <= activatesAt) return { outcome: "present" };
  await transaction.updateTable("keys").set({ activates_at: activatesAt }).where("kid", "=", follower.kid).execute();
  return { outcome: "activated", record: { ...record, kid: follower.kid } };
}

function auditPage(db: Kysely<Schema>, query: AuditQuery) {
  let page = db.selectFrom("audit").selectAll().orderBy("id", "desc").limit(query.limit);
  if (query.clientId !== undefined) page = page.where("client_id", "=", query.clientId);
  if (query.action !== undefined) page = page.where("action", "=", query.action);
  if (query.outcome !== undefined) page = page.where("outcome", "=", query.outcome);
  if (query.from !== undefined) page = page.where("at", ">=", query.from);
  if (query.to !== undefined) page = page.where("at", "<", query.to);
  if (query.before !== undefined) page = page.where("id", "<", query.before);
  return page;
}
