import { describe, expect, it } from "vitest";
import { statement } from "../../src/store/sql/statement.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { temporaryFolder } from "../support/service.ts";

type Count = { id: string; count: number; until: number };

async function openDatabase() {
  const folder = temporaryFolder();
  const driver = await openSqlite(folder.path);
  return {
    db: driver.db,
    async [Symbol.asyncDispose]() {
      await driver.close();
      folder[Symbol.dispose]();
    },
  };
}

const insert = statement((db, row: Count) => db.insertInto("counts").values(row));
const select = statement((db, { id }: { id: string }) => db.selectFrom("counts").selectAll().where("id", "=", id));

describe("a statement", () => {
  it("is built once for each database, and has the given values each time", async () => {
    await using first = await openDatabase();
    await using second = await openDatabase();
    let built = 0;
    const counted = statement((db, { id, least }: { id: string; least: number }) => {
      built += 1;
      return db.selectFrom("counts").select("count").where("count", ">=", least).where("id", "=", id);
    });
    for (const [{ db }, count] of [[first, 1] as const, [second, 2] as const])
      for (const id of ["a", "b"]) await insert(db, { id, count, until: 0 });
    const found = async ({ db }: typeof first, least: number) => (await counted(db, { least, id: "b" })).rows;
    expect([await found(first, 1), await found(first, 2)]).toEqual([[{ count: 1 }], []]);
    expect([await found(second, 2), await found(second, 3)]).toEqual([[{ count: 2 }], []]);
    expect(built).toBe(2);
  });

  it("reads nothing of an open transaction but within it", async () => {
    await using opened = await openDatabase();
    const { db } = opened;
    const row = { id: "a", count: 1, until: 0 };
    const outcomes: string[] = [];
    let reading: Promise<unknown> = Promise.resolve();
    await db
      .transaction()
      .execute(async (transaction) => {
        await insert(transaction, row);
        expect((await select(transaction, row)).rows).toEqual([row]);
        reading = select(db, row).then(({ rows }) => outcomes.push(`read ${rows.length}`));
        // Long enough for a read that does not wait.
        await new Promise(setImmediate);
        outcomes.push("undone");
        throw new Error("undo");
      })
      .catch(() => {});
    await reading;
    expect(outcomes).toEqual(["undone", "read 0"]);
  });

  it("writes nothing where its own transaction is taken back", async () => {
    await using opened = await openDatabase();
    const { db } = opened;
    const row = { id: "a", count: 1, until: 0 };
    await insert(db, row);
    await expect(insert(db, row)).rejects.toMatchObject({ code: expect.stringMatching(/^SQLITE_CONSTRAINT/) });
    await insert(db, { ...row, id: "b" });
    expect((await db.selectFrom("counts").select("id").orderBy("id").execute()).map(({ id }) => id)).toEqual([
      "a",
      "b",
    ]);
  });
});
