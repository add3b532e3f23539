import type { Kysely } from "kysely";
import type { AuditQuery } from "./audit.ts";
import { fromAuditRow, MAX_ROWS, toAuditRow } from "./rows.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

export function createAuditQueries(db: Kysely<Schema>): Pick<Store, "appendAudit" | "listAudit" | "pruneAudit"> {
  return {
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
  };
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
