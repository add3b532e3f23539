import { type Kysely, type Migration, Migrator } from "kysely";
import type { Schema } from "./store.ts";

/** Each change of the tables, once and in this order. Never edited after it was released, only added to. */
const migrations: Record<string, Migration> = {
  "001-keys": {
    async up(db) {
      await db.schema
        .createTable("keys")
        .addColumn("kid", "text", (column) => column.primaryKey())
        .addColumn("alg", "text", (column) => column.notNull())
        .addColumn("public_jwk", "text", (column) => column.notNull())
        .addColumn("private_jwk", "text", (column) => column.notNull())
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .execute();
    },
  },
};

/** Brings the tables up to date, or throws and leaves them as they were. */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: "mintmark_migration",
    migrationLockTableName: "mintmark_migration_lock",
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
