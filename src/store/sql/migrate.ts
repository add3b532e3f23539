import { type Kysely, sql, type Transaction } from "kysely";
import { StartError } from "../../errors.ts";
import { endsEarlierPrograms, migrations } from "./migrations.ts";
import type { Schema } from "./schema.ts";
import { refuseTaken } from "./taken.ts";

export type MigrateOptions = {
  /** The last migration to apply, as an earlier release would. Default: all. */
  upTo?: string;
  /** Takes a lock within the transaction, where the database takes none at its begin. */
  lock?: (transaction: Transaction<Schema>) => Promise<unknown>;
  /** Locks a table within the transaction, where a migration does not run alone anyway. */
  lockTable?: (transaction: Transaction<Schema>, table: keyof Schema) => Promise<unknown>;
};

/**
 * The tables that migrations alter, in the order in which changes lock them, each with the migration that creates it: another
 * program may have a table of that name in the same database. They are locked so before the first migration:
 * one that alters them in another order, and changes by servers of an earlier release, would wait for each other for ever.
 */
const IN_LOCK_ORDER = [
  ["state", "001-keys-clients-audit"],
  ["clients", "001-keys-clients-audit"],
  ["sessions", "002-revocations-sessions"],
  ["refresh_tokens", "002-revocations-sessions"],
  ["audit", "001-keys-clients-audit"],
] as const satisfies readonly (readonly [table: keyof Schema, since: string])[];

/**
 * Applies pending migrations in one transaction. Accepts tables that a newer release has extended. Throws a
 * {@link StartError} where a newer release has removed what this one needs, and a `TakenError` where another program has a
 * table of a new name.
 */
export async function migrate(db: Kysely<Schema>, { upTo, lock, lockTable }: MigrateOptions = {}): Promise<void> {
  const applyPending = async (transaction: Transaction<Schema>) => {
    await lock?.(transaction);
    await createJournal(transaction);
    const applied = await appliedMigrations(transaction);
    refuseUnworkable(applied);
    const wanted = Object.keys(migrations).sort();
    const pending = wanted.filter((name) => !applied.includes(name) && (upTo === undefined || name <= upTo));
    const isUpgrade = applied.length > 0 && pending.length > 0;
    for (const [table, since] of IN_LOCK_ORDER)
      if (isUpgrade && applied.includes(since)) await lockTable?.(transaction, table);
    for (const name of pending) await apply(transaction, name);
  };
  await refuseTaken(db, (watched) => watched.transaction().execute(applyPending));
}

/** Throws a {@link StartError} where tables are missing or a migration is pending. Changes nothing. */
export async function refuseOutdated(db: Kysely<Schema>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === MIGRATIONS)) throw missingTables();
  const applied = await appliedMigrations(db);
  refuseUnworkable(applied);
  if (Object.keys(migrations).some((name) => !applied.includes(name)))
    throw new StartError(
      "The database has the schema of an earlier Mintmark release: start the server of this release first",
    );
}

export function missingTables(): StartError {
  return new StartError("The database has no tables of Mintmark: start the server first");
}

function refuseUnworkable(applied: readonly string[]): void {
  const unworkable = applied.find((name) => endsEarlierPrograms(name) && !Object.hasOwn(migrations, name));
  if (unworkable !== undefined)
    throw new StartError(
      `The database has the schema of a newer Mintmark release, which this release does not support (${unworkable}): start the newer release`,
    );
}

const MIGRATIONS = "mintmark_migration";
const JOURNAL = sql.table(MIGRATIONS);

/** Created as by Kysely's migrator, which earlier releases use. */
async function createJournal(transaction: Transaction<Schema>): Promise<void> {
  await sql`create table if not exists ${JOURNAL} (
    name varchar(255) not null primary key,
    timestamp varchar(255) not null
  )`.execute(transaction);
}

/** The names of the applied migrations. */
export async function appliedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from ${JOURNAL}`.execute(db);
  return rows.map(({ name }) => name);
}

async function apply(transaction: Transaction<Schema>, name: string): Promise<void> {
  await migrations[name]?.up(transaction);
  const now = new Date().toISOString();
  await sql`insert into ${JOURNAL} (name, timestamp) values (${name}, ${now})`.execute(transaction);
}
