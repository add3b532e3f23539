import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type ColumnMetadata, Kysely, PostgresDialect, SqliteDialect, sql } from "kysely";
import Database from "libsql";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { migrate } from "../../src/store/sql/migrate.ts";
import { migrations } from "../../src/store/sql/migrations.ts";
import type { Schema } from "../../src/store/sql/schema.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/service.ts";
import { type AnyTables, describeEarlierClients, describeEarlierGrants, type Row } from "./earlier-rows.ts";

const names = Object.keys(migrations).sort();

type Tables = { name: string; columns: ColumnMetadata[] }[];

/** Higher than all initial numbers of the tables. */
let made = 1000;

function aRow(columns: readonly ColumnMetadata[]): Row {
  made += 1;
  return Object.fromEntries(columns.map(({ name, dataType }) => [name, /text/i.test(dataType) ? `v${made}` : made]));
}

async function ownTables(db: AnyTables): Promise<Tables> {
  const tables = await db.introspection.getTables();
  return tables.filter(({ name }) => !/^(mintmark|sqlite)_/.test(name));
}

/** Writes to every table as a release with these columns would: new rows, and an update of `state`. */
async function write(db: AnyTables, tables: Tables): Promise<void> {
  for (const { name, columns } of tables) {
    if (name === "state")
      await db
        .updateTable(name)
        .set({ ...aRow(columns), id: 1 })
        .execute();
    else for (let row = 0; row < 3; row += 1) await db.insertInto(name).values(aRow(columns)).execute();
  }
}

async function read(db: AnyTables, tables: Tables): Promise<Record<string, Row[]>> {
  const rows = tables.map(async ({ name, columns: [first, ...others] }) => {
    const columns = [first, ...others].flatMap((column) => (column === undefined ? [] : [column.name]));
    return [
      name,
      await db
        .selectFrom(name)
        .select(columns)
        .orderBy(first?.name ?? "")
        .execute(),
    ] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** The contract of migrations on every database. */
function describeMigrations(connect: () => Promise<Kysely<Schema>>): void {
  it.each(names)("preserve all rows of the tables of %s, and accept further writes of its release", async (name) => {
    const db = await connect();
    await migrate(db, { upTo: name });
    const tables = db as unknown as AnyTables;
    const earlier = await ownTables(tables);
    await write(tables, earlier);
    const before = await read(tables, earlier);
    expect(Object.values(before).flat().length).toBeGreaterThan(3);

    await migrate(db);
    expect(await read(tables, earlier)).toEqual(before);
    await write(tables, earlier);
    await db.destroy();
  });
}

describe("migrations on the embedded database", () => {
  const folder = temporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  const openFile = async (file: string) =>
    new Kysely<Schema>({ dialect: new SqliteDialect({ database: new Database(file) }) });
  let files = 0;
  describeMigrations(() => openFile(join(folder.path, `${++files}.db`)));
  const openData = async () => {
    const data = join(folder.path, `data-${++files}`);
    mkdirSync(data, { mode: 0o700 });
    return { db: await openFile(join(data, "mintmark.db")), openStore: () => openSqliteStore(data, { shared: true }) };
  };
  describeEarlierClients(openData);
  describeEarlierGrants(openData);

  it("that an earlier release does not support prevent its start, with one line", async () => {
    using data = temporaryFolder();
    await (await openSqliteStore(data.path)).close();
    const db = await openFile(join(data.path, "mintmark.db"));
    await endEarlierPrograms(db);
    await expect(openSqliteStore(data.path)).rejects.toThrow(REFUSAL);
  });
});

describePostgres("migrations on PostgreSQL", () => {
  const open = (url: string) =>
    new Kysely<Schema>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  describeMigrations(async () => open(await sharedPostgres.newDatabase()));
  const openNew = async () => {
    const url = await sharedPostgres.newDatabase();
    return { db: open(url), openStore: () => openPostgresStore(url) };
  };
  describeEarlierClients(openNew);
  describeEarlierGrants(openNew);

  it("wait for a change of an earlier release, and let it end", async () => {
    const url = await sharedPostgres.newDatabase();
    const db = open(url);
    const tables = db as unknown as AnyTables;
    await migrate(db, { upTo: "005-session-audiences" });
    const record = { id: "1", at: 1, action: "refreshToken", outcome: "allowed" };
    // As a change does: the state, a grant, and at last the audit record.
    const { starting } = await tables.transaction().execute(async (change) => {
      await change.updateTable("state").set({ revision: 7 }).execute();
      await change.updateTable("sessions").set({ idle_until: 7 }).execute();
      const starting = openPostgresStore(url).then((store) => store.close());
      await untilOneWaits(db);
      await change.insertInto("audit").values(record).execute();
      return { starting };
    });
    await starting;
    expect(await tables.selectFrom("audit").select("id").execute()).toEqual([{ id: "1" }]);
    await db.destroy();
  });

  it("that an earlier release does not support prevent its start, with one line", async () => {
    const url = await sharedPostgres.newDatabase();
    await (await openPostgresStore(url)).close();
    await endEarlierPrograms(open(url));
    await expect(openPostgresStore(url)).rejects.toThrow(REFUSAL);
  });
});

/** Resolves when a connection waits for a lock of another. */
async function untilOneWaits(db: Kysely<Schema>): Promise<void> {
  const waiting = sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await waiting.execute(db)).rows.length === 0) await setTimeout(10);
}

const REFUSAL =
  /^The database has the schema of a newer Mintmark release, which this release does not support \(999-newer-contract\): [^\n]+$/;

/** A database after a later release that removed columns. */
async function endEarlierPrograms(db: Kysely<Schema>): Promise<void> {
  const migrated = (db as unknown as AnyTables).insertInto("mintmark_migration");
  await migrated.values({ name: "999-newer-contract", timestamp: "2030-01-01" }).execute();
  await db.destroy();
}
