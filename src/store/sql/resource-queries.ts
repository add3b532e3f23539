import type { Kysely } from "kysely";
import type { Store } from "../store.ts";
import type { Commit } from "./commit.ts";
import { fromResourceRow, toResourceRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";

type ResourceQueries = Pick<Store, "addResource" | "removeResource" | "listResources" | "findResources">;

export function createResourceQueries(db: Kysely<Schema>, commit: Commit): ResourceQueries {
  return {
    addResource: (resource, record) =>
      commit(record, async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("resources")
          .values(toResourceRow(resource))
          .onConflict((conflict) => conflict.column("audience").doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n ? { outcome: "added", record } : { outcome: "present" };
      }),

    removeResource: (audience, record) =>
      commit(record, async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("resources")
          .where("audience", "=", audience)
          .executeTakeFirst();
        return numDeletedRows === 0n ? { outcome: "unknown" } : { outcome: "removed", record };
      }),

    async listResources() {
      const rows = await db.selectFrom("resources").selectAll().orderBy("name").orderBy("audience").execute();
      return rows.map(fromResourceRow);
    },

    async findResources(audiences) {
      if (audiences.length === 0) return [];
      const rows = await db.selectFrom("resources").selectAll().where("audience", "in", audiences).execute();
      return rows.map(fromResourceRow);
    },
  };
}
