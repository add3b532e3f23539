import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPostgres, openPostgresStore } from "../../src/store/postgres.ts";
import { openSqlite, openSqliteStore } from "../../src/store/sqlite.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/service.ts";

const NEWER = sql`insert into mintmark_migration (name, timestamp) values ('999-newer', '2030-01-01')`;

describePostgres("opening a PostgreSQL database", () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  it("makes its tables once, however many servers open it at the same moment", async () => {
    const url = await postgres.newDatabase();
    const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgresStore(url)));
    for (const store of stores) expect(await store.revision()).toBe(0);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("goes on where a newer server has changed the tables", async () => {
    const url = await postgres.newDatabase();
    const driver = await openPostgres(url);
    await NEWER.execute(driver.db);
    await driver.close();
    const store = await openPostgresStore(url);
    expect(await store.listKeys()).toEqual([]);
    await store.close();
  });

  it("says in one line that it cannot be reached", async () => {
    const failed = openPostgresStore("postgres://user:canary@127.0.0.1:9/db");
    await expect(failed).rejects.toThrow(/^The database in DATABASE_URL cannot be used \(ECONNREFUSED\): [^\n]+$/);
    await expect(failed).rejects.not.toThrow(/canary/);
  });
});

describe("opening the embedded database", () => {
  it("goes on where a newer server has changed the tables", async () => {
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
    await expect(openSqliteStore(folder.path)).rejects.toThrow(/^[^\n]* is in use by another Mintmark: [^\n]+$/);
    const shared = await openSqliteStore(folder.path, { shared: true });
    expect(await shared.revision()).toBe(0);
    await shared.close();
    await first.close();
    await (await openSqliteStore(folder.path)).close();
  });

  it("is possible at once after the process that had it open was killed", async () => {
    using folder = temporaryFolder();
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(join(import.meta.dirname, "../../dist/store/sqlite.js"))});
      await openSqliteStore(${JSON.stringify(folder.path)});
      console.log("open");
      setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(other.stdout, "data");
    await expect(openSqliteStore(folder.path)).rejects.toThrow(/in use/);
    other.kill("SIGKILL");
    await once(other, "exit");
    await (await openSqliteStore(folder.path)).close();
  });
});
