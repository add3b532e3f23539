import { type Kysely, sql } from "kysely";
import type { AuditRecord } from "../audit.ts";
import { toAuditRow } from "../sql/audit-mappers.ts";
import type { Schema } from "../sql/schema.ts";
import { statement } from "../sql/statement.ts";

type Column = keyof Schema["audit"];

const TYPES: Record<Column, "text" | "bigint"> = {
  id: "text",
  at: "bigint",
  client_id: "text",
  action: "text",
  outcome: "text",
  reason: "text",
  subject: "text",
  jti: "text",
  kid: "text",
  target: "text",
  address: "text",
  count: "bigint",
  expires_at: "bigint",
  fields: "text",
};
const COLUMNS = Object.keys(TYPES) as Column[];

/** Appends audit records by one statement, which commits alone. One parameter for all rows: fourteen for each take twice the time. */
export async function appendAudit(db: Kysely<Schema>, records: readonly AuditRecord[]): Promise<void> {
  if (records.length > 0) await insertRows(db, { rows: JSON.stringify(records.map(toAuditRow)) });
}

const insertRows = statement((db, { rows }: { rows: string }) => {
  const columns = sql.join(COLUMNS.map((column) => sql`${sql.ref(column)} ${sql.raw(TYPES[column])}`));
  return db
    .insertInto("audit")
    .columns(COLUMNS)
    .expression(sql`select * from json_to_recordset(${rows}) as row (${columns})`);
});
