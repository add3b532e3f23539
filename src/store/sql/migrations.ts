import { randomUUID } from "node:crypto";
import { type Migration, sql } from "kysely";
import { createSignInTables } from "./sign-in-tables.ts";

/**
 * The migrations, in the order of their names. Never edit a released one; add by the rule in docs/migrations.md: servers of
 * the previous release keep running on the migrated tables.
 */
export const migrations: Record<string, Migration> = {
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
  "002-revocations-sessions": {
    async up(db) {
      const state = (column: string, type: "text" | "bigint", value: string | number) =>
        db.schema
          .alterTable("state")
          .addColumn(column, type, (added) => added.notNull().defaultTo(value))
          .execute();
      await state("epoch", "text", "");
      await state("keys_revision", "bigint", 0);
      await sql`update state set epoch = ${randomUUID()}`.execute(db);
      await db.schema
        .createTable("revocations")
        .addColumn("kind", "text", (column) => column.notNull())
        .addColumn("id", "text", (column) => column.notNull())
        .addColumn("sequence", "bigint", (column) => column.notNull().unique())
        .addColumn("until", "bigint", (column) => column.notNull())
        .addPrimaryKeyConstraint("revocations_pk", ["kind", "id"])
        .execute();
      await db.schema.createIndex("revocations_by_end").on("revocations").column("until").execute();
      await db.schema
        .createTable("sessions")
        .addColumn("sid", "text", (column) => column.primaryKey())
        .addColumn("client_id", "text", (column) => column.notNull())
        .addColumn("subject", "text", (column) => column.notNull())
        .addColumn("audience", "text", (column) => column.notNull())
        .addColumn("scope", "text")
        .addColumn("claims", "text", (column) => column.notNull())
        .addColumn("ttl", "bigint", (column) => column.notNull())
        .addColumn("seed", "text", (column) => column.notNull())
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .addColumn("expires_at", "bigint", (column) => column.notNull())
        .addColumn("idle_until", "bigint", (column) => column.notNull())
        .execute();
      for (const column of ["client_id", "subject", "expires_at", "idle_until"])
        await db.schema.createIndex(`sessions_by_${column}`).on("sessions").column(column).execute();
      await db.schema
        .createTable("refresh_tokens")
        .addColumn("hash", "text", (column) => column.primaryKey())
        .addColumn("sid", "text", (column) => column.notNull())
        .addColumn("used_at", "bigint")
        .execute();
      await db.schema.createIndex("refresh_tokens_by_sid").on("refresh_tokens").column("sid").execute();
    },
  },
  "003-counts": {
    async up(db) {
      await db.schema
        .createTable("counts")
        .addColumn("id", "text", (column) => column.primaryKey())
        .addColumn("count", "bigint", (column) => column.notNull())
        .addColumn("until", "bigint", (column) => column.notNull())
        .execute();
      await db.schema.createIndex("counts_by_end").on("counts").column("until").execute();
    },
  },
  "004-stored-settings": {
    async up(db) {
      for (const column of ["longest_lifetime", "changed_at", "clients_revision", "ttl", "max_ttl"])
        await db.schema
          .alterTable("state")
          .addColumn(column, "bigint", (added) => added.notNull().defaultTo(0))
          .execute();
      for (const column of ["issuer", "audience", "alg", "secret_kid", "secret_kids"])
        await db.schema.alterTable("state").addColumn(column, "text").execute();
      // Earlier releases stored no longest lifetime: assume the default of `maxTtl`, or the longest lifetime of a grant.
      await sql`update state set longest_lifetime = 86400 where revision > 0 or exists (select 1 from audit)`.execute(
        db,
      );
      const longer = sql`(select max(ttl) from sessions where ttl > 86400)`;
      await sql`update state set longest_lifetime = coalesce(${longer}, longest_lifetime)`.execute(db);
      await db.schema.alterTable("refresh_tokens").addColumn("used_by", "text").execute();
    },
  },
  "005-session-audiences": {
    async up(db) {
      await db.schema.alterTable("sessions").addColumn("audiences", "text").execute();
    },
  },
  "006-administration": {
    // In the order in which changes lock these tables: servers of an earlier release are running.
    async up(db) {
      await db.schema.alterTable("clients").addColumn("last_used_at", "bigint").execute();
      await db.schema.alterTable("audit").addColumn("fields", "text").execute();
    },
  },
  "007-lookups": {
    // In the same order: grants before the audit log.
    async up(db) {
      const columns = ["subject", "created_at", "sid"];
      await db.schema.createIndex("sessions_by_subject_and_time").on("sessions").columns(columns).execute();
      await db.schema.dropIndex("sessions_by_subject").execute();
      const byJti = db.schema.createIndex("audit_by_jti").on("audit").columns(["jti", "id"]);
      await byJti.where("jti", "is not", null).execute();
      await db.schema.alterTable("audit").addColumn("expires_at", "bigint").execute();
    },
  },
  "008-oauth-clients": {
    async up(db) {
      // All clients so far, and those that an earlier release adds during the upgrade.
      const machine = '{"authMethod":"client_secret_basic","grants":["client_credentials","refresh_token"]}';
      await db.schema
        .alterTable("clients")
        .addColumn("oauth", "text", (column) => column.notNull().defaultTo(machine))
        .execute();
    },
  },
  "009-resources": {
    async up(db) {
      await db.schema
        .createTable("resources")
        .addColumn("audience", "text", (column) => column.primaryKey())
        .addColumn("name", "text", (column) => column.notNull())
        .addColumn("scopes", "text", (column) => column.notNull())
        .addColumn("open", "integer", (column) => column.notNull())
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .execute();
    },
  },
  "010-sign-in": { up: createSignInTables },
  "011-introduced-clients": {
    async up(db) {
      await db.schema.alterTable("clients").addColumn("introduced", "text").execute();
      await db.schema.alterTable("clients").addColumn("document_fresh_until", "bigint").execute();
      // For the deletion of unused ones.
      const columns = ["introduced", "last_used_at", "created_at", "client_id"];
      const byUse = db.schema.createIndex("clients_by_introduction").on("clients").columns(columns);
      await byUse.where("introduced", "is not", null).execute();
    },
  },
};

/** Whether a migration removes what earlier releases need: a release that does not know it must not start. */
export function endsEarlierPrograms(name: string): boolean {
  return name.endsWith("-contract");
}
