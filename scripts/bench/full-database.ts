import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import { MACHINE_CLIENT } from "../../src/store/client.ts";
import type { Schema } from "../../src/store/sql/schema.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { createJti } from "../../src/token/sign.ts";
import { progress } from "./support.ts";

const REVOCATIONS = 1_000_000;
const CLIENTS = 10_000;
const RECORDS = 1_000_000;
const ROWS = 1000;

/**
 * Creates an embedded database with a million revocations, a million audit records and 10,000 clients. The revocations
 * expire within one to two hours.
 */
export async function fill(data: string): Promise<void> {
  const { db, close } = await openSqlite(data);
  const now = Math.floor(Date.now() / 1000);
  await insert(db, "revocations", {
    count: REVOCATIONS,
    row: (at) => ({
      kind: "token" as const,
      id: createJti(at, Date.now()),
      sequence: at + 1,
      until: now + 3600 + (at % 3600),
    }),
  });
  await insert(db, "clients", {
    count: CLIENTS,
    row: (at) => ({
      client_id: `client-${at}`,
      name: `client ${at}`,
      permissions: '["issue"]',
      scopes: '["*"]',
      audiences: '["*"]',
      any_subject: 0,
      max_ttl: null,
      created_at: now,
      secrets: "[]",
      last_used_at: null,
      oauth: JSON.stringify(MACHINE_CLIENT),
      introduced: null,
      document_fresh_until: null,
    }),
  });
  await insert(db, "audit", {
    count: RECORDS,
    row: (at) => ({
      id: `${(Date.now() - RECORDS + at).toString(36).padStart(9, "0")}${randomBytes(8).toString("hex")}`,
      at: now - 3600,
      client_id: `client-${at % CLIENTS}`,
      action: "getToken",
      outcome: "allowed" as const,
      reason: null,
      subject: "ada",
      jti: randomBytes(18).toString("base64url"),
      kid: "kid",
      target: null,
      address: null,
      count: null,
      expires_at: null,
      fields: null,
    }),
  });
  await db.updateTable("state").set({ revision: REVOCATIONS }).execute();
  await close();
}

type Rows<Table extends keyof Schema> = { count: number; row: (at: number) => Schema[Table] };

/** Inserts rows in one transaction. */
export async function insert<Table extends keyof Schema>(
  db: Kysely<Schema>,
  table: Table,
  { count, row }: Rows<Table>,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (let from = 0; from < count; from += ROWS) {
      const rows = Array.from({ length: ROWS }, (_, at) => row(from + at));
      await transaction
        .insertInto(table)
        .values(rows as never)
        .execute();
    }
  });
  progress(`${count} rows in ${table}`);
}
