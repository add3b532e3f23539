import type { Kysely } from "kysely";
import type { Schema, Store } from "./store.ts";

/** The store contract over SQL, the same for every database. */
export function createSqlStore(db: Kysely<Schema>): Store {
  return {
    async listKeys() {
      const rows = await db.selectFrom("keys").selectAll().orderBy("created_at").orderBy("kid").execute();
      return rows.map((row) => ({
        kid: row.kid,
        alg: row.alg,
        publicJwk: row.public_jwk,
        privateJwk: row.private_jwk,
        createdAt: row.created_at,
      }));
    },

    async addFirstKey(key) {
      const row = {
        kid: key.kid,
        alg: key.alg,
        public_jwk: key.publicJwk,
        private_jwk: key.privateJwk,
        created_at: key.createdAt,
      };
      return db.transaction().execute(async (transaction) => {
        const present = await transaction
          .selectFrom("keys")
          .select("kid")
          .where("alg", "=", key.alg)
          .executeTakeFirst();
        if (present !== undefined) return "present";
        await transaction.insertInto("keys").values(row).execute();
        return "added";
      });
    },

    async close() {
      await db.destroy();
    },
  };
}
