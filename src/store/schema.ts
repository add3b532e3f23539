import { type Kysely, MIGRATION_LOCK_ID, type Migration, Migrator, sql } from "kysely";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { AuditRecord } from "./audit.ts";

/** The tables, as the queries see them. Lists are JSON text; moments are whole seconds. */
export type Schema = {
  /** One row: the number of the latest change. Taking the next one orders all changes, whoever makes them. */
  state: { id: number; revision: number };
  keys: {
    kid: string;
    /** The number of the change that added it. */
    sequence: number;
    alg: KeyPairAlgorithm;
    public_jwk: string;
    private_jwk: string;
    created_at: number;
    activates_at: number;
    killed_at: number | null;
    /** The key it comes after; a key has one follower at most. Empty for the first. */
    follows: string;
  };
  clients: {
    client_id: string;
    name: string;
    permissions: string;
    scopes: string;
    audiences: string;
    any_subject: number;
    max_ttl: number | null;
    created_at: number;
    secrets: string;
  };
  audit: {
    id: string;
    at: number;
    client_id: string | null;
    action: string;
    outcome: AuditRecord["outcome"];
    reason: string | null;
    subject: string | null;
    jti: string | null;
    kid: string | null;
    target: string | null;
    address: string | null;
    count: number | null;
  };
};

/** Each change of the tables, once and in this order. Never edited after it was released, only added to. */
const migrations: Record<string, Migration> = {
  "001-keys-clients-audit": {
    async up(db) {
      await db.schema
        .createTable("state")
        .addColumn("id", "integer", (column) => column.primaryKey())
        .addColumn("revision", "bigint", (column) => column.notNull())
        .execute();
      await sql`insert into state (id, revision) values (1, 0)`.execute(db);
      await db.schema
        .createTable("keys")
        .addColumn("kid", "text", (column) => column.primaryKey())
        .addColumn("sequence", "bigint", (column) => column.notNull())
        .addColumn("alg", "text", (column) => column.notNull())
        .addColumn("public_jwk", "text", (column) => column.notNull())
        .addColumn("private_jwk", "text", (column) => column.notNull())
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .addColumn("activates_at", "bigint", (column) => column.notNull())
        .addColumn("killed_at", "bigint")
        .addColumn("follows", "text", (column) => column.notNull().unique())
        .execute();
      await db.schema
        .createTable("clients")
        .addColumn("client_id", "text", (column) => column.primaryKey())
        .addColumn("name", "text", (column) => column.notNull())
        .addColumn("permissions", "text", (column) => column.notNull())
        .addColumn("scopes", "text", (column) => column.notNull())
        .addColumn("audiences", "text", (column) => column.notNull())
        .addColumn("any_subject", "integer", (column) => column.notNull())
        .addColumn("max_ttl", "bigint")
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .addColumn("secrets", "text", (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("audit")
        .addColumn("id", "text", (column) => column.primaryKey())
        .addColumn("at", "bigint", (column) => column.notNull())
        .addColumn("client_id", "text")
        .addColumn("action", "text", (column) => column.notNull())
        .addColumn("outcome", "text", (column) => column.notNull())
        .addColumn("reason", "text")
        .addColumn("subject", "text")
        .addColumn("jti", "text")
        .addColumn("kid", "text")
        .addColumn("target", "text")
        .addColumn("address", "text")
        .addColumn("count", "integer")
        .execute();
      await db.schema.createIndex("audit_by_client").on("audit").columns(["client_id", "id"]).execute();
      await db.schema.createIndex("audit_by_action").on("audit").columns(["action", "id"]).execute();
      await db.schema.createIndex("audit_by_time").on("audit").column("at").execute();
    },
  },
};

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
