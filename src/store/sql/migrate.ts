import { type Kysely, sql, type Transaction } from "kysely";
import { StartError } from "../../errors.ts";
import { endsEarlierPrograms, migrations } from "./migrations.ts";
import type { Schema } from "./schema.ts";

export type MigrateOptions = {
  /** The last change that is made: so the tables were with an earlier program. Default: all changes. */
  upTo?: string;
  /** Takes the lock of the database within the transaction, where beginning a transaction does not. */
  lock?: (transaction: Transaction<Schema>) => Promise<unknown>;
};

/**
 * Brings the tables up to date in one transaction, or throws and leaves them as they were. A server may run, and start, on
 * tables that a newer one has extended; throws a {@link StartError} where the newer one took away what this one needs.
 */
export async function migrate(db: Kysely<Schema>, { upTo, lock }: MigrateOptions = {}): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await lock?.(transaction);
    await createJournal(transaction);
    const applied = await appliedMigrations(transaction);
    refuseUnworkable(applied);
    const wanted = Object.keys(migrations).sort();
    const pending = wanted.filter((name) => !applied.includes(name) && (upTo === undefined || name <= upTo));
    for (const name of pending) await apply(transaction, name);
  });
}

/** Throws a {@link StartError} where the tables are not there, or lack what this program needs. Changes nothing. */
export async function refuseOutdated(db: Kysely<Schema>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === MIGRATIONS)) throw missingTables();
  const applied = await appliedMigrations(db);
  refuseUnworkable(applied);
  if (Object.keys(migrations).some((name) => !applied.includes(name)))
    throw new StartError("The database is of an earlier Mintmark: start the server of this one first");
}

export function missingTables(): StartError {
  return new StartError("The database has no tables of Mintmark: start the server first");
}

function refuseUnworkable(applied: readonly string[]): void {
  const unworkable = applied.find((name) => endsEarlierPrograms(name) && !Object.hasOwn(migrations, name));
  if (unworkable !== undefined)
    throw new StartError(
      `The database is of a newer Mintmark, which this one cannot work with (${unworkable}): start the newer one`,
    );
}

const MIGRATIONS = "mintmark_migration";
const JOURNAL = sql.table(MIGRATIONS);

/** As Kysely's migrator makes it: earlier programs read and write it by that. */
async function createJournal(transaction: Transaction<Schema>): Promise<void> {
  await sql`create table if not exists ${JOURNAL} (
    name varchar(255) not null primary key,
    timestamp varchar(255) not null
  )`.execute(transaction);
}

/** The names of the changes that the tables have had. */
export async function appliedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from ${JOURNAL}`.execute(db);
  return rows.map(({ name }) => name);
}

async function apply(transaction: Transaction<Schema>, name: string): Promise<void> {
  await migrations[name]?.up(transaction);
  const now = new Date().toISOString();
  await sql`insert into ${JOURNAL} (name, timestamp) values (${name}, ${now})`.execute(transaction);
}
