import type { Kysely, Transaction } from "kysely";
import { MintmarkError } from "../errors.ts";
import type { StoredKey } from "../keys/key-pair.ts";
import { sealerOf } from "../keys/seal.ts";
import { placeAfterKill, placeKey, type Succession } from "../keys/succession.ts";
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

    addKey: (key, record) =>
      change(async (transaction, sequence) => {
        const succession = placeKey(await keysIn(transaction), key);
        return succeed(transaction, succession, { key, sequence, record });
      }),

    killKey: (kid, { now, replacement }, record) =>
      change(async (transaction, sequence) => {
        const keys = await keysIn(transaction);
        const key = keys.find((key) => key.kid === kid && key.killedAt === undefined);
        if (key === undefined) return { outcome: "unchanged" };
        // One that never signed leaves its place to another.
        const follows = key.activatesAt > now ? { follows: `killed ${kid}` } : {};
        const dead = { killed_at: now, private_jwk: "", ...follows };
        await transaction.updateTable("keys").set(dead).where("kid", "=", kid).execute();
        const succession = placeAfterKill(
          keys.map((other) => (other === key ? { ...key, killedAt: now } : other)),
          now,
        );
        await succeed(transaction, succession, { key: replacement, sequence, record });
        return { outcome: "killed", record };
      }),

    resealKeys: (keys, record) =>
      change(async (transaction) => {
        const living = (await keysIn(transaction)).filter(({ killedAt }) => killedAt === undefined);
        const sealed = new Map(keys.map(({ kid, privateJwk }) => [kid, privateJwk]));
        if (living.some(({ kid }) => !sealed.has(kid))) return { outcome: "changed" };
        for (const { kid } of living) {
          const change = transaction.updateTable("keys").set({ private_jwk: sealed.get(kid) });
          await change.where("kid", "=", kid).execute();
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

async function keysIn(transaction: Transaction<Schema>): Promise<StoredKey[]> {
  const rows = await transaction.selectFrom("keys").selectAll().orderBy("sequence").execute();
  return rows.map(fromKeyRow);
}

type NewKey = { key: StoredKey; sequence: number; record: AuditRecord };

/** Does what was found to do about a new key. Throws `kek_changed` for one that is sealed unlike those that are there. */
async function succeed(
  transaction: Transaction<Schema>,
  succession: Succession | undefined,
  { key, sequence, record }: NewKey,
): Promise<Change<"added" | "activated" | "present">> {
  if (succession === undefined) return { outcome: "present" };
  if ("hasten" in succession) {
    const { hasten: kid, activatesAt } = succession;
    await transaction.updateTable("keys").set({ activates_at: activatesAt }).where("kid", "=", kid).execute();
    return { outcome: "activated", record: { ...record, kid } };
  }
  await refuseOtherSealer(transaction, key);
  const row = toKeyRow({ ...key, ...succession.add }, sequence);
  await transaction.insertInto("keys").values(row).execute();
  return { outcome: "added", record };
}

/** A server that still has the key-encryption key of before a rewrap must not leave keys that none can read beside it. */
async function refuseOtherSealer(transaction: Transaction<Schema>, { privateJwk }: StoredKey): Promise<void> {
  const living = (await keysIn(transaction)).filter(({ killedAt }) => killedAt === undefined);
  if (living.some((key) => sealerOf(key.privateJwk) !== sealerOf(privateJwk))) throw new MintmarkError("kek_changed");
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
