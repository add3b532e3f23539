import { randomBytes, randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import type { AuditQuery, AuditRecord } from "../audit.ts";
import type { Store } from "../store.ts";
import { fromNamedRow, toAuditRow } from "./audit-mappers.ts";
import { MAX_ROWS } from "./mappers.ts";
import type { CreatePrune } from "./prune.ts";
import type { Schema } from "./schema.ts";
import { execute } from "./statement.ts";

type AuditQueries = Pick<Store, "appendAudit" | "listAudit" | "findTokenRecords" | "pruneAudit" | "checkWritable">;

/** Appends audit records in one commit. */
export type AppendAudit = (records: readonly AuditRecord[]) => Promise<void>;

type Deps = { createPrune: CreatePrune; appendAudit?: AppendAudit | undefined };

export function createAuditQueries(db: Kysely<Schema>, deps: Deps): AuditQueries {
  const { createPrune, appendAudit = (records) => insertInParts(db, records) } = deps;
  return {
    appendAudit,

    async listAudit(query) {
      const rows = await auditPage(db, query).execute();
      return rows.map(fromNamedRow);
    },

    async findTokenRecords(jti) {
      const records = selectNamed(db).where("jti", "=", jti).where("outcome", "=", "allowed");
      const rows = await records.orderBy("id").limit(10).execute();
      return rows.map(fromNamedRow);
    },

    pruneAudit: createPrune({ table: "audit", key: ["id"], moment: "at" }),

    async checkWritable(bytes) {
      await db.transaction().execute(async (transaction) => {
        const id = randomUUID();
        // Random: PostgreSQL compresses text.
        const subject = randomBytes(bytes >> 1).toString("hex");
        const record: AuditRecord = { id, at: 0, action: "check", outcome: "allowed", clientId: "check", subject };
        await transaction.insertInto("audit").values(toAuditRow(record)).execute();
        await transaction.deleteFrom("audit").where("id", "=", id).execute();
      });
    },
  };
}

async function insertInParts(db: Kysely<Schema>, records: readonly AuditRecord[]): Promise<void> {
  // One statement is a transaction by itself.
  if (records.length <= MAX_ROWS) return insertRows(db, records);
  await db.transaction().execute(async (transaction) => {
    for (let at = 0; at < records.length; at += MAX_ROWS)
      await insertRows(transaction, records.slice(at, at + MAX_ROWS));
  });
}

async function insertRows(db: Kysely<Schema>, records: readonly AuditRecord[]): Promise<void> {
  if (records.length > 0) await execute(db, db.insertInto("audit").values(records.map(toAuditRow)).compile());
}

/** Audit records with the names of their clients. A subquery of each row listed: it leaves the plan as it is. */
function selectNamed(db: Kysely<Schema>) {
  return db
    .selectFrom("audit")
    .selectAll()
    .select(({ selectFrom }) =>
      selectFrom("clients").select("name").whereRef("clients.client_id", "=", "audit.client_id").as("client_name"),
    );
}

function auditPage(db: Kysely<Schema>, query: AuditQuery) {
  let page = selectNamed(db).orderBy("id", "desc").limit(query.limit);
  if (query.clientId !== undefined) page = page.where("client_id", "=", query.clientId);
  if (query.action !== undefined) page = page.where("action", "=", query.action);
  if (query.outcome !== undefined) page = page.where("outcome", "=", query.outcome);
  if (query.from !== undefined) page = page.where("at", ">=", query.from);
  if (query.to !== undefined) page = page.where("at", "<", query.to);
  if (query.before !== undefined) page = page.where("id", "<", query.before);
  return page;
}
