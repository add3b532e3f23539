import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

export function createCountQueries(db: Kysely<Schema>): Pick<Store, "addToCounts" | "readCounts" | "pruneCounts"> {
  return {
    async addToCounts(additions) {
      // In one order everywhere: two servers that lock the same rows in two orders would wait for each other.
      const values = additions
        .map(({ id, amount, until }) => ({ id, count: amount, until }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const rows = await db
        .insertInto("counts")
        .values(values)
        .onConflict((conflict) =>
          conflict.column("id").doUpdateSet(({ eb, ref }) => ({
            count: eb("counts.count", "+", ref("excluded.count")),
          })),
        )
        .returning(["id", "count"])
        .execute();
      return inOrder(
        additions.map(({ id }) => id),
        rows,
      );
    },

    async readCounts(ids) {
      const rows = await db.selectFrom("counts").select(["id", "count"]).where("id", "in", ids).execute();
      return inOrder(ids, rows);
    },

    async pruneCounts(now) {
      const { numDeletedRows } = await db.deleteFrom("counts").where("until", "<=", now).executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

function inOrder(ids: readonly string[], rows: readonly { id: string; count: number }[]): number[] {
  const counts = new Map(rows.map(({ id, count }) => [id, count]));
  return ids.map((id) => counts.get(id) ?? 0);
}
