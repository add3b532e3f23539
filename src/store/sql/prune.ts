import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Pruned } from "../store.ts";
import type { Schema } from "./schema.ts";

/** A table of which old rows are deleted: its unique column, and the indexed column with the moment that a row ends by. */
export type PruneTarget = {
  table: keyof Schema;
  key: string;
  moment: string;
  /** The moment that a row really ends by, where that has become a later one since it was written. */
  until?: RawBuilder<number>;
};

/**
 * Makes the verb that deletes some of the rows whose moment is before another, the oldest first. A process goes on from
 * where it was: in PostgreSQL the index still leads to rows that are deleted, and each batch would pass all of them.
 */
export function createPrune(
  db: Kysely<Schema>,
  target: PruneTarget,
): (before: number, limit: number) => Promise<Pruned> {
  const [table, key, moment] = [sql.table(target.table), sql.ref(target.key), sql.ref(target.moment)];
  let from = Number.MIN_SAFE_INTEGER;
  return async (before, limit) => {
    const { rows } = await sql<{ key: string | number; moment: number }>`
      select ${key} as key, ${moment} as moment from ${table}
      where ${moment} >= ${from} and ${moment} < ${before} order by ${moment} limit ${limit}`.execute(db);
    const more = rows.length === limit;
    from = more ? (rows.at(-1)?.moment ?? from) : Number.MIN_SAFE_INTEGER;
    if (rows.length === 0) return { count: 0, more };
    // Named one by one, so that no plan reads the whole table; one that was prolonged meanwhile stays.
    const keys = rows.map((row) => row.key);
    if (target.until !== undefined)
      await sql`
        update ${table} set ${moment} = ${target.until}
        where ${key} in (${sql.join(keys)}) and ${moment} < ${target.until}`.execute(db);
    const { numAffectedRows = 0n } = await sql`
      delete from ${table} where ${key} in (${sql.join(keys)}) and ${moment} < ${before}`.execute(db);
    return { count: Number(numAffectedRows), more };
  };
}
