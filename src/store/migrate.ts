import { type Kysely, MIGRATION_LOCK_ID, Migrator, sql } from "kysely";
import { StartError } from "../errors.ts";
import { endsEarlierPrograms, migrations } from "./migrations.ts";
import type { Schema } from "./schema.ts";

export type MigrateOptions = {
  /** The last change that is made: so the tables were with an earlier program. Default: all changes. */
  upTo?: string;
};

/**
 * Brings the tables up to date under the database's own lock, or throws and leaves them as they were. A server may
 * run, and start, on tables that a newer one has extended; throws a {@link StartError} where the newer one took away
 * what this one needs.
 */
export async function migrate(db: Kysely<Schema>, { upTo }: MigrateOptions = {}): Promise<void> {
  await db.connection().execute(async (connection) => {
    const { adapter } = connection.getExecutor();
    // The migrator takes the same lock, but only after the newer migrations have been read. A session may take it twice.
    await adapter.acquireMigrationLock(connection, LOCK);
    try {
      await migrateLocked(connection, upTo);
    } finally {
      await adapter.releaseMigrationLock(connection, LOCK);
    }
  });
}

/** Throws a {@link StartError} where the tables are not there, or lack what this program needs. Changes nothing. */
export async function refuseOutdated(db: Kysely<Schema>): Promise<void> {
  const applied = new Set(await appliedMigrations(db));
  if (applied.size === 0) throw new StartError("The database has no tables of Mintmark: start the server first");
  refuseUnworkable([...applied]);
  if (Object.keys(migrations).some((name) => !applied.has(name)))
    throw new StartError("The database is of an earlier Mintmark: start the server of this one first");
}

function refuseUnworkable(applied: readonly string[]): void {
  const unworkable = applied.find((name) => endsEarlierPrograms(name) && !Object.hasOwn(migrations, name));
  if (unworkable !== undefined)
    throw new StartError(
      `The database is of a newer Mintmark, which this one cannot work with (${unworkable}): start the newer one`,
    );
}

async function migrateLocked(db: Kysely<Schema>, upTo: string | undefined): Promise<void> {
  const applied = await appliedMigrations(db);
  refuseUnworkable(applied);
  const newer = Object.fromEntries(applied.map((name) => [name, { up: async () => {} }]));
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...newer, ...migrations }) },
    migrationTableName: MIGRATIONS,
    migrationLockTableName: LOCK.lockTable,
  });
  const { error } = await (upTo === undefined ? migrator.migrateToLatest() : migrator.migrateTo(upTo));
  if (error !== undefined) throw error;
}

const MIGRATIONS = "mintmark_migration";
const LOCK = { lockTable: `${MIGRATIONS}_lock`, lockRowId: MIGRATION_LOCK_ID };

async function appliedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === MIGRATIONS)) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(MIGRATIONS)}`.execute(db);
  return rows.map(({ name }) => name);
}
