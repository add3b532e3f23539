import { join } from "node:path";
import { Kysely, PostgresDialect, SqliteDialect, sql } from "kysely";
import Database from "libsql";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { migrate } from "../../src/store/sql/migrate.ts";
import type { Schema } from "../../src/store/sql/schema.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { blockOf } from "../support/guide.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/service.ts";

const EARLIER = "009-resources";

/** What another program has, and the name in it that an upgrade needs. */
const TAKEN = [
  ["create table authorization_codes (id text)", "authorization_codes"],
  ["create view logout_notices as select 1 as a", "logout_notices"],
  ["create table theirs (id text); create index sign_ins_by_hash on theirs (id)", "sign_ins_by_hash"],
] as const;

async function upgradeFrom(db: Kysely<Schema>, theirs: string): Promise<void> {
  await migrate(db, { upTo: EARLIER });
  for (const statement of theirs.split(";")) await sql.raw(statement).execute(db);
}

/** The line that says why a store cannot be opened. */
async function refusalOf(opening: Promise<unknown>): Promise<string> {
  const error = await opening.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(StartError);
  expect((error as StartError).message).toMatch(/^[^\n]+$/);
  return (error as StartError).message;
}

async function appliedIn(db: Kysely<Schema>): Promise<unknown[]> {
  const { rows } = await sql<{ name: string }>`select name from mintmark_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

describe("an upgrade of the embedded database that has tables of another program", () => {
  it.each(TAKEN)("after %s names it, and changes nothing", async (theirs, taken) => {
    using folder = temporaryFolder();
    await (await openSqliteStore(folder.path)).close();
    const file = join(folder.path, "mintmark.db");
    const empty = new Database(file);
    const tables = empty.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
    for (const { name } of tables) empty.exec(`drop table ${name}`);
    const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: empty }) });
    await upgradeFrom(db, theirs);
    expect(await refusalOf(openSqliteStore(folder.path))).toBe(
      `The database ${file} has a table or index ${taken} of another program, and this release needs that name: rename it`,
    );
    expect((await appliedIn(db)).at(-1)).toBe(EARLIER);
    await db.destroy();
  });
});

describePostgres("an upgrade in a schema that has tables of another program", () => {
  const open = (url: string) =>
    new Kysely<Schema>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });

  it.each([...TAKEN, ["create type sign_ins as enum ('on')", "sign_ins"] as const])(
    "after %s names it and the schema, and succeeds after the tables have moved",
    async (theirs, taken) => {
      const url = await sharedPostgres.newDatabase();
      const db = open(url);
      await upgradeFrom(db, theirs);
      await sql`update state set revision = 7`.execute(db);
      expect(await refusalOf(openPostgresStore(url))).toBe(
        `The schema public of the database has a table or index ${taken} of another program, and this release needs that name: move the tables of Mintmark to another schema, as in docs/deployment.md`,
      );
      expect((await appliedIn(db)).at(-1)).toBe(EARLIER);

      await sharedPostgres.query("create schema mintmark", url);
      await sharedPostgres.query(blockOf("docs/deployment.md", "sql", "set schema"), url);
      const store = await openPostgresStore(url);
      expect(await store.position()).toMatchObject({ sequence: 7 });
      await store.close();
      await db.destroy();
    },
  );
});
