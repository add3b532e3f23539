import type { Insertable, Kysely } from "kysely";
import type { AuthorizationStore } from "../sign-in-store.ts";
import { writeWithRecord } from "./commit.ts";
import { fromRequestRow, toPerson, toRequestRow } from "./people-mappers.ts";
import type { Schema } from "./schema.ts";
import { ONE, statement } from "./statement.ts";

type RequestQueries = Pick<
  AuthorizationStore,
  "addAuthorizationRequest" | "findAuthorizationRequest" | "setPerson" | "takePerson" | "removeAuthorizationRequest"
>;

export function createRequestQueries(db: Kysely<Schema>): RequestQueries {
  return {
    async addAuthorizationRequest(request) {
      await insertRequest(db, toRequestRow(request));
    },

    async findAuthorizationRequest(handle) {
      const [row] = (await selectRequest(db, { handle })).rows;
      return row && fromRequestRow(row);
    },

    setPerson: (handle, answer, record) =>
      writeWithRecord(db, async (transaction) => {
        const person = { person: toPerson(answer.person), next: answer.handle };
        const { numAffectedRows } = await updatePerson(transaction, { handle, ...person });
        return numAffectedRows === 1n ? { outcome: "set", record } : { outcome: "unknown" };
      }),

    async takePerson(handle) {
      const { numAffectedRows } = await clearPerson(db, { handle });
      return numAffectedRows === 1n ? "taken" : "unknown";
    },

    removeAuthorizationRequest: (handle, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numAffectedRows } = await deleteRequest(transaction, { handle });
        return numAffectedRows === 1n ? { outcome: "removed", record } : { outcome: "unknown" };
      }),
  };
}

type Handle = { handle: string };

const insertRequest = statement((db, row: Insertable<Schema["authorization_requests"]>) =>
  db.insertInto("authorization_requests").values(row),
);

const selectRequest = statement((db, { handle }: Handle) =>
  db.selectFrom("authorization_requests").selectAll().where("handle", "=", handle).limit(ONE),
);

const updatePerson = statement((db, { handle, next, person }: Handle & { next: string; person: string | null }) =>
  db.updateTable("authorization_requests").set({ person, handle: next }).where("handle", "=", handle),
);

const clearPerson = statement((db, { handle }: Handle) =>
  db
    .updateTable("authorization_requests")
    .set({ person: null })
    .where("handle", "=", handle)
    .where("person", "is not", null),
);

const deleteRequest = statement((db, { handle }: Handle) =>
  db.deleteFrom("authorization_requests").where("handle", "=", handle),
);
