import { join } from "node:path";
import { Kysely } from "kysely";
import Database from "libsql";
import { expect, it } from "vitest";
import { createSqliteDialect } from "../../src/store/sqlite/dialect.ts";
import { temporaryFolder } from "../support/service.ts";

type Numbers = { numbers: { id: number; value: number } };

/**
 * Two connections of a database. Without a write-ahead log a writer can lock readers out at will, and SQLite answers them as
 * it does while another process recovers the log.
 */
function openTwo() {
  const folder = temporaryFolder();
  const [writer, reader] = [0, 1].map(() => new Database(join(folder.path, "numbers.db"))) as [
    Database.Database,
    Database.Database,
  ];
  for (const database of [writer, reader]) database.pragma("busy_timeout = 0");
  writer.exec("create table numbers (id integer primary key, value integer); insert into numbers values (1, 1)");
  const db = new Kysely<Numbers>({ dialect: createSqliteDialect(reader, async () => void reader.close()) });
  const one = db.selectFrom("numbers").select("value").where("id", "=", 1).limit(1);
  const all = db.selectFrom("numbers").select("value");
  return {
    db,
    writer,
    /** Two reads that use different statements. */
    reads: {
      one: async () => (await one.execute())[0]?.value,
      all: async () => (await all.execute())[0]?.value,
      "in a transaction": () =>
        db
          .transaction()
          .setAccessMode("read only")
          .execute((within) => readWithin(within)),
    },
    async [Symbol.asyncDispose]() {
      await db.destroy();
      writer.close();
      folder[Symbol.dispose]();
    },
  };
}

const readWithin = async (db: Kysely<Numbers>) =>
  (await db.selectFrom("numbers").select("value").where("id", ">", 0).execute())[0]?.value;

const names = ["one", "all", "in a transaction"] as const;
const pairs = names.flatMap((busy) => names.map((other) => ({ busy, other })));

it.each(pairs)(
  "a read ($busy) that was busy holds back no later state from others ($other)",
  async ({ busy, other }) => {
    await using opened = openTwo();
    const { writer, reads } = opened;
    for (const name of names) expect(await reads[name]()).toBe(1);
    writer.exec("begin exclusive");
    await expect(reads[busy]()).rejects.toMatchObject({ code: "SQLITE_BUSY" });
    await expect(reads[other]()).rejects.toMatchObject({ code: "SQLITE_BUSY" });
    writer.exec("update numbers set value = 2; commit");
    expect(await reads[other]()).toBe(2);
    // Throws SQLITE_BUSY while the other connection still reads.
    writer.exec("update numbers set value = 3");
    expect(await reads[other]()).toBe(3);
    expect(await reads[busy]()).toBe(3);
    writer.exec("update numbers set value = 4");
  },
);
