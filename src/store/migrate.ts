import { type Kysely, MIGRATION_LOCK_ID, Migrator, sql } from "kysely";
import { migrations } from "./migrations.ts";
import type { Schema } from "./schema.ts";

/**
 * Brings the tables up to date under the database's own lock, or throws and leaves them as they were.
 * Changes only ever add, so a server may run, and start, on tables that a newer one has extended.
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  await db.connection().execute(async (connection) => {
    const { adapter } = connection.getExecutor();
    // The migrator takes the same lock, but only after the newer migrations have been read. A session may take it twice.
    await adapter.acquireMigrationLock(connection, LOCK);
    try {
      await migrateLocked(connection);
    } finally {
      await adapter.releaseMigrationLock(connection, LOCK);
    }
  });
}

async function migrateLocked(db: Kysely<Schema>): Promise<void> {
  const newer = Object.fromEntries((await appliedMigrations(db)).map((name) => [name, { up: async () => {} }]));
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...newer, ...migrations }) },
    migrationTableName: MIGRATIONS,
    migrationLockTableName: LOCK.lockTable,
  });
  const { error } = await migrator.migrateToLatest();
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
