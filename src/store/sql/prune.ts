import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Seconds } from "../../time.ts";
import type { Pruned } from "../store.ts";
import type { Schema } from "./schema.ts";

/** A table to prune, its unique column `key`, and the indexed column `moment` with the expiry of a row. */
export type PruneTarget = {
  table: keyof Schema;
  key: string;
  moment: string;
  /** The effective expiry of a row, where it may be later than the stored one. */
  until?: RawBuilder<Seconds>;
};

/**
 * Creates a function that deletes a batch of expired rows, oldest first. It continues after its last batch: in PostgreSQL,
 * an index scan from the start would visit all rows that were deleted but not vacuumed.
 */
export function createPrune(
  db: Kysely<Schema>,
  target: PruneTarget,
): (before: Seconds, limit: number) => Promise<Pruned> {
  const [table, key, moment] = [sql.table(target.table), sql.ref(target.key), sql.ref(target.moment)];
  let from = Number.MIN_SAFE_INTEGER;
  return async (before, limit) => {
    const { rows } = await sql<{ key: string | number; moment: Seconds }>`
      select ${key} as key, ${moment} as moment from ${table}
      where ${moment} >= ${from} and ${moment} < ${before} order by ${moment} limit ${limit}`.execute(db);
    const more = rows.length === limit;
    from = more ? (rows.at(-1)?.moment ?? from) : Number.MIN_SAFE_INTEGER;
    if (rows.length === 0) return { count: 0, more };
    // By key, so that no plan scans the table. The condition spares rows that were extended meanwhile.
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
