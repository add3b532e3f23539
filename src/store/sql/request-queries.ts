import type { Kysely } from "kysely";
import type { AuthorizationStore } from "../sign-in-store.ts";
import { writeWithRecord } from "./commit.ts";
import { fromRequestRow, toPerson, toRequestRow } from "./people-mappers.ts";
import type { Schema } from "./schema.ts";

type RequestQueries = Pick<
  AuthorizationStore,
  "addAuthorizationRequest" | "findAuthorizationRequest" | "setPerson" | "takePerson" | "removeAuthorizationRequest"
>;

export function createRequestQueries(db: Kysely<Schema>): RequestQueries {
  return {
    async addAuthorizationRequest(request) {
      await db.insertInto("authorization_requests").values(toRequestRow(request)).execute();
    },

    async findAuthorizationRequest(handle) {
      const stored = db.selectFrom("authorization_requests").selectAll().where("handle", "=", handle);
      const row = await stored.executeTakeFirst();
      return row && fromRequestRow(row);
    },

    setPerson: (handle, answer, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("authorization_requests")
          .set({ person: toPerson(answer.person), handle: answer.handle })
          .where("handle", "=", handle)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? { outcome: "set", record } : { outcome: "unknown" };
      }),

    async takePerson(handle) {
      const { numUpdatedRows } = await db
        .updateTable("authorization_requests")
        .set({ person: null })
        .where("handle", "=", handle)
        .where("person", "is not", null)
        .executeTakeFirst();
      return numUpdatedRows === 1n ? "taken" : "unknown";
    },

    removeAuthorizationRequest: (handle, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("authorization_requests")
          .where("handle", "=", handle)
          .executeTakeFirst();
        return numDeletedRows === 1n ? { outcome: "removed", record } : { outcome: "unknown" };
      }),
  };
}
