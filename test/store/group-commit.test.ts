import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { createGroupCommit } from "../../src/store/sqlite/group-commit.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { temporaryFolder } from "../support/service.ts";

type Transact = ReturnType<typeof createGroupCommit>;
type Tx = Parameters<Parameters<Transact>[0]>[0];

const add = (id: string) => async (transaction: Tx) => {
  await transaction
    .insertInto("audit")
    .values({ ...RECORD, id })
    .execute();
  return id;
};
const RECORD = {
  ...{ at: 0, client_id: null, action: "test", outcome: "allowed" as const, reason: null, subject: null, jti: null },
  ...{ kid: null, target: null, address: null, count: null, expires_at: null, fields: null },
};

async function openGroups() {
  const folder = temporaryFolder();
  const driver = await openSqlite(folder.path);
  const { db } = driver;
  let commits = 0;
  const counted: Pick<typeof db, "transaction"> = {
    transaction() {
      commits += 1;
      return db.transaction();
    },
  };
  let isInTransaction = true;
  return {
    transact: createGroupCommit(counted, () => isInTransaction),
    commits: () => commits,
    stored: async () => (await db.selectFrom("audit").select("id").orderBy("id").execute()).map(({ id }) => id),
    /** As on a full disk: SQLite ends the transaction by itself. */
    endTransaction: async (transaction: Tx): Promise<never> => {
      isInTransaction = false;
      await sql`rollback`.execute(transaction);
      throw new Error("The disk is full");
    },
    async [Symbol.asyncDispose]() {
      await driver.close();
      folder[Symbol.dispose]();
    },
  };
}

describe("changes of one turn of the event loop", () => {
  it("share a commit", async () => {
    await using groups = await openGroups();
    const { transact, commits, stored } = groups;
    const outcomes = await Promise.all(["a", "b", "c"].map((id) => transact(add(id))));
    expect([outcomes, commits(), await stored()]).toEqual([["a", "b", "c"], 1, ["a", "b", "c"]]);
  });

  it("are committed in groups of 32 at most", async () => {
    await using groups = await openGroups();
    const ids = Array.from({ length: 70 }, (_, at) => String(100 + at));
    await Promise.all(ids.map((id) => groups.transact(add(id))));
    expect([groups.commits(), await groups.stored()]).toEqual([3, ids]);
  });

  it("fail alone, and what a failed one has written is undone", async () => {
    await using groups = await openGroups();
    const { transact, stored } = groups;
    const fails = transact(async (transaction) => {
      await add("b")(transaction);
      throw new Error("no");
    });
    const outcomes = await Promise.allSettled([transact(add("a")), fails, transact(add("c"))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await stored()).toEqual(["a", "c"]);
  });

  it("undo what a single one has written before it failed", async () => {
    await using groups = await openGroups();
    const fails = groups.transact(async (transaction) => {
      await add("a")(transaction);
      throw new Error("no");
    });
    await expect(fails).rejects.toThrow("no");
    expect(await groups.stored()).toEqual([]);
  });

  it("all fail where SQLite ends their transaction, so that none is committed alone", async () => {
    await using groups = await openGroups();
    const { transact, stored, endTransaction } = groups;
    const outcomes = await Promise.allSettled([transact(add("a")), transact(endTransaction), transact(add("c"))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await stored()).toEqual([]);
  });

  it("are stored before one resolves", async () => {
    await using groups = await openGroups();
    const { transact, stored } = groups;
    const [seen] = await Promise.all([transact(add("a")).then(stored), transact(add("b"))]);
    expect(seen).toEqual(["a", "b"]);
  });
});
