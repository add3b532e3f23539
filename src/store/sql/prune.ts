import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Seconds } from "../../time.ts";
import type { Pruned } from "../pruned.ts";
import type { Schema } from "./schema.ts";

/** A table to prune, its unique columns `key`, and the indexed column `moment` with the expiry of a row. */
type PruneTarget = {
  table: keyof Schema;
  key: readonly string[];
  moment: string;
  /** The effective expiry of a row, where it may be later than the stored one. */
  until?: RawBuilder<Seconds>;
};

/** Deletes a batch of rows that expired before a moment, oldest first. */
type Prune = (before: Seconds, limit: number) => Promise<Pruned>;
export type CreatePrune = (target: PruneTarget) => Prune;

/**
 * Appended to a selection of rows that the same transaction changes: skips those that another transaction has locked. Who
 * never waits for a row is in no deadlock, in whatever order others lock theirs. Nothing, where a transaction locks the
 * database.
 */
export type SkipLocked = RawBuilder<unknown>;

/**
 * Creates functions that delete expired rows in batches. Each continues after its last batch: in PostgreSQL, an index scan
 * from the start would visit all rows that were deleted but not vacuumed.
 */
export function createPruneWith(db: Kysely<Schema>, skipLocked: SkipLocked): CreatePrune {
  return (target) => {
    const [table, moment] = [sql.table(target.table), sql.ref(target.moment)];
    const key = sql.join(target.key.map((column) => sql.ref(column)));
    let from = Number.MIN_SAFE_INTEGER;
    return async (before, limit) => {
      const { rows } = await sql<Record<string, string | number> & { pruned_at: Seconds }>`
        select ${key}, ${moment} as pruned_at from ${table}
        where ${moment} >= ${from} and ${moment} < ${before} order by ${moment} limit ${limit}`.execute(db);
      const more = rows.length === limit;
      from = more ? (rows.at(-1)?.pruned_at ?? from) : Number.MIN_SAFE_INTEGER;
      if (rows.length === 0) return { count: 0, more };
      // By key, so that no plan scans the table. The condition spares rows that were extended meanwhile.
      const found = isOneOf(target.key, rows);
      const free = (condition: RawBuilder<unknown>) =>
        sql`(${key}) in (select ${key} from ${table} where ${found} and ${condition} ${skipLocked})`;
      const { until } = target;
      if (until !== undefined)
        await sql`update ${table} set ${moment} = ${until} where ${free(sql`${moment} < ${until}`)}`.execute(db);
      const isExpired = sql`${moment} < ${before}`;
      const deleted = await sql`delete from ${table} where ${free(isExpired)} and ${isExpired}`.execute(db);
      return { count: Number(deleted.numAffectedRows ?? 0n), more };
    };
  };
}

/** Whether a row has the values of one of these in its columns. SQLite takes a list of tuples only as `values`. */
export function isOneOf(
  columns: readonly string[],
  rows: readonly Record<string, string | number>[],
): RawBuilder<boolean> {
  const tuples = rows.map((row) => sql.join(columns.map((column) => row[column])));
  const key = sql.join(columns.map((column) => sql.ref(column)));
  if (columns.length === 1) return sql`${key} in (${sql.join(tuples)})`;
  return sql`(${key}) in (values ${sql.join(tuples.map((tuple) => sql`(${tuple})`))})`;
}
