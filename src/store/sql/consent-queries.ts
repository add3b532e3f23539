import type { Kysely } from "kysely";
import type { Consent } from "../sign-in.ts";
import type { AuthorizationStore, SubjectAndClient } from "../sign-in-store.ts";
import type { Commit, Tx } from "./commit.ts";
import { fromConsentRow, fromListedConsentRow, toConsentRow } from "./people-mappers.ts";
import type { Schema } from "./schema.ts";
import { statement } from "./statement.ts";

type ConsentQueries = Pick<AuthorizationStore, "findConsents" | "listConsents" | "removeConsents" | "findGrantIds">;

export function createConsentQueries(db: Kysely<Schema>, commit: Commit): ConsentQueries {
  return {
    findConsents: (of) => readConsents(db, of),

    async listConsents(subject) {
      const rows = await db
        .selectFrom("sign_in_consents")
        .selectAll()
        .select(({ selectFrom }) =>
          selectFrom("clients")
            .select("name")
            .whereRef("clients.client_id", "=", "sign_in_consents.client_id")
            .as("client_name"),
        )
        .where("subject", "=", subject)
        .orderBy("at", "desc")
        .orderBy("client_id")
        .orderBy("host")
        .orderBy("audience")
        .execute();
      return rows.map(fromListedConsentRow);
    },

    removeConsents: ({ subject, clientId }, record) =>
      commit(record, async (transaction) => {
        const consents = transaction.deleteFrom("sign_in_consents").where("subject", "=", subject);
        const codes = transaction
          .deleteFrom("authorization_codes")
          .where("client_id", "=", clientId)
          .where("subject", "=", subject);
        const removed = await consents.where("client_id", "=", clientId).executeTakeFirst();
        const ended = await codes.where("grant_sid", "is", null).executeTakeFirst();
        const isChange = removed.numDeletedRows + ended.numDeletedRows > 0n;
        return { outcome: Number(removed.numDeletedRows), ...(isChange && { record }) };
      }),

    async findGrantIds({ subject, clientId }) {
      const grants = db.selectFrom("sessions").select(["sid", "client_id", "sign_in"]).where("subject", "=", subject);
      // Not in the query: it could then read all grants of the client.
      const found = (await grants.execute()).filter((row) => row.client_id === clientId && row.sign_in !== null);
      return found.map(({ sid }) => sid);
    },
  };
}

export async function readConsents(
  db: Kysely<Schema> | Tx,
  { subject, clientId }: SubjectAndClient,
): Promise<Consent[]> {
  const { rows } = await selectConsents(db, { subject, clientId });
  return rows.map(fromConsentRow);
}

const selectConsents = statement((db, { subject, clientId }: SubjectAndClient) =>
  db.selectFrom("sign_in_consents").selectAll().where("subject", "=", subject).where("client_id", "=", clientId),
);

/** Stores consents, which replace those of the same host and audience. */
export async function writeConsents(transaction: Tx, consents: readonly Consent[]): Promise<void> {
  await transaction
    .insertInto("sign_in_consents")
    .values(consents.map(toConsentRow))
    .onConflict((conflict) =>
      conflict
        .columns(["subject", "client_id", "host", "audience"])
        .doUpdateSet(({ ref }) => ({ scopes: ref("excluded.scopes"), at: ref("excluded.at") })),
    )
    .execute();
}
