import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kysely } from "kysely";
import type { Schema } from "../../src/store/schema.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { MINTMARK, startContender, tokensFor } from "./contenders.ts";
import { inTables } from "./results.ts";
import { progress, type Report } from "./support.ts";
import { takeTurns } from "./turns.ts";

const REVOCATIONS = 1_000_000;
const CLIENTS = 10_000;
const RECORDS = 1_000_000;
const ROWS = 1000;

/** What a request costs a server with next to nothing in its database, and one with a great deal. */
export async function measure(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  try {
    await fill(join(folder, "data"));
    const empty = await startContender(MINTMARK);
    const full = await startContender(MINTMARK, { MINTMARK_DATA: join(folder, "data") });
    const named = [
      { name: "empty", running: empty },
      { name: "full", running: full },
    ];
    const verifying = await Promise.all(
      named.map(async ({ name, running }) => ({
        name,
        running,
        requests: (await tokensFor(running, 1)).map(running.verify),
      })),
    );
    const issuing = named.map(({ name, running }) => ({ name, running, requests: [running.issue()] }));
    const tables = [
      { title: "verifyToken", unit: "tokens", rows: await takeTurns(verifying) },
      { title: "getToken", unit: "tokens", rows: await takeTurns(issuing) },
    ];
    await Promise.all(named.map(({ running }) => running.stop()));
    return inTables("scale", tables);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(data: string): Promise<void> {
  const { db, close } = await openSqlite(data);
  const now = Math.floor(Date.now() / 1000);
  await insert(db, "revocations", {
    count: REVOCATIONS,
    row: (at) => ({
      kind: "token" as const,
      id: randomBytes(18).toString("base64url"),
      sequence: at + 1,
      until: now + 86_400 + (at % 3600),
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
    }),
  });
  await db.updateTable("state").set({ revision: REVOCATIONS }).execute();
  await close();
}

type Rows<Table extends keyof Schema> = { count: number; row: (at: number) => Schema[Table] };

async function insert<Table extends keyof Schema>(
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
