import type { Kysely } from "kysely";
import type { CountAddition, Store } from "../store.ts";
import type { Tx } from "./commit.ts";
import { MAX_ROWS } from "./mappers.ts";
import type { CreatePrune } from "./prune.ts";
import type { Schema } from "./schema.ts";

type CountQueries = Pick<Store, "addToCounts" | "readCounts" | "pruneCounts">;

export function createCountQueries(db: Kysely<Schema>, createPrune: CreatePrune): CountQueries {
  const prune = createPrune({ table: "counts", key: ["id"], moment: "until" });
  return {
    addToCounts: (additions) =>
      db.transaction().execute(async (transaction) => {
        // One lock order on all servers avoids deadlocks.
        const inOrder = [...additions].sort((a, b) => (a.id < b.id ? -1 : 1));
        const totals = new Map<string, number>();
        for (let at = 0; at < inOrder.length; at += MAX_ROWS) {
          for (const { id, count } of await add(transaction, inOrder.slice(at, at + MAX_ROWS))) totals.set(id, count);
        }
        return additions.map(({ id }) => totals.get(id) ?? 0);
      }),

    async readCounts(ids) {
      const rows = await db.selectFrom("counts").select(["id", "count"]).where("id", "in", ids).execute();
      const counts = new Map(rows.map(({ id, count }) => [id, count]));
      return ids.map((id) => counts.get(id) ?? 0);
    },

    pruneCounts: (now, limit) => prune(now + 1, limit),
  };
}

function add(transaction: Tx, additions: readonly CountAddition[]) {
  return transaction
    .insertInto("counts")
    .values(additions.map(({ amount: count, ...addition }) => ({ ...addition, count })))
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet(({ eb, ref }) => ({ count: eb("counts.count", "+", ref("excluded.count")) })),
    )
    .returning(["id", "count"])
    .execute();
}
