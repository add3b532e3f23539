import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, it, vi } from "vitest";
import { openPostgres, openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqlite, openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { guarded } from "../support/children.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/service.ts";

const NEWER = sql`insert into mintmark_migration (name, timestamp) values ('999-newer', '2030-01-01')`;

const KYSELY_MIGRATION_LOCK = 3853314791062309107n;

/** Sessions that have waited for that lock longer than any query may take. */
const LATE = `select pid from pg_stat_activity
  where datname = current_database() and wait_event = 'advisory' and query_start < now() - interval '2 seconds'`;

describePostgres("opening a PostgreSQL database", () => {
  it("creates its tables once, for concurrent servers", async () => {
    const url = await sharedPostgres.newDatabase();
    const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgresStore(url)));
    for (const store of stores) expect(await store.position()).toMatchObject({ sequence: 0 });
    await Promise.all(stores.map((store) => store.close()));
  });

  it("works after a newer server has extended the tables", async () => {
    const url = await sharedPostgres.newDatabase();
    const driver = await openPostgres(url);
    await NEWER.execute(driver.db);
    await driver.close();
    const store = await openPostgresStore(url);
    expect(await store.listKeys()).toEqual([]);
    await store.close();
  });

  it("waits while a newer server changes the tables, longer than for a query, and then works", async () => {
    const url = await sharedPostgres.newDatabase();
    const newer = await openPostgres(url, { limit: 15_000 });
    const { opening } = await newer.db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(${sql.lit(KYSELY_MIGRATION_LOCK)})`.execute(transaction);
      await NEWER.execute(transaction);
      const opening = openPostgresStore(url);
      await Promise.race([
        opening,
        vi.waitFor(async () => expect(await sharedPostgres.query(LATE, url)).toHaveLength(1), 10_000),
      ]);
      return { opening };
    });
    const store = await opening;
    expect(await store.listKeys()).toEqual([]);
    await store.close();
    await newer.close();
  });

  it("sets durable commits and its timeouts, and retains other settings of the URL", async () => {
    const url = new URL(await sharedPostgres.newDatabase());
    url.searchParams.set("options", "-c synchronous_commit=off -c lock_timeout=0 -c work_mem=8MB");
    url.searchParams.set("statement_timeout", "90000");
    const { db, close } = await openPostgres(url.href);
    const setting = async (name: string) => (await sql`select current_setting(${name}) as value`.execute(db)).rows;
    expect(await setting("synchronous_commit")).toEqual([{ value: "on" }]);
    for (const name of ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
      expect(await setting(name)).toEqual([{ value: "1200ms" }]);
    expect(await setting("work_mem")).toEqual([{ value: "8MB" }]);
    await close();
  });

  it("reports in one line that it cannot be reached", async () => {
    const failed = openPostgresStore("postgres://user:canary@127.0.0.1:9/db");
    await expect(failed).rejects.toThrow(/^The database in DATABASE_URL cannot be used \(ECONNREFUSED\): [^\n]+$/);
    await expect(failed).rejects.not.toThrow(/canary/);
  });
});

describe("opening the embedded database", () => {
  it("works after a newer server has extended the tables", async () => {
    using folder = temporaryFolder();
    const driver = await openSqlite(folder.path);
    await NEWER.execute(driver.db);
    await driver.close();
    const store = await openSqliteStore(folder.path);
    expect(await store.listKeys()).toEqual([]);
    await store.close();
  });

  it("is refused in one line while a server has it open, but for one that shares it, and possible after", async () => {
    using folder = temporaryFolder();
    const first = await openSqliteStore(folder.path);
    await expect(openSqliteStore(folder.path)).rejects.toThrow(/^[^\n]* is in use by another Mintmark server: [^\n]+$/);
    const shared = await openSqliteStore(folder.path, { shared: true });
    expect(await shared.position()).toMatchObject({ sequence: 0 });
    await shared.close();
    await first.close();
    await (await openSqliteStore(folder.path)).close();
  });

  it("is possible at once after the process that had it open was killed", async () => {
    using folder = temporaryFolder();
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(join(import.meta.dirname, "../../dist/store/sqlite/sqlite.js"))});
      await openSqliteStore(${JSON.stringify(folder.path)});
      console.log("open");
      setInterval(() => {}, 1000);`;
    const other = guarded(
      spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    await once(other.stdout, "data");
    await expect(openSqliteStore(folder.path)).rejects.toThrow(/in use/);
    other.kill("SIGKILL");
    await once(other, "exit");
    await (await openSqliteStore(folder.path)).close();
  });
});
