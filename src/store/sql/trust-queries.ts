import { type Kysely, type RawBuilder, sql } from "kysely";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Milliseconds, Seconds } from "../../time.ts";
import type { Revocation } from "../../trust/trust-update.ts";
import { type NewRevocation, type RevokedAt, revocationAfter } from "../revocation.ts";
import type { Store } from "../store.ts";
import type { Commit, Tx } from "./commit.ts";
import { fromStateRow } from "./mappers.ts";
import { createPrune } from "./prune.ts";
import type { Schema } from "./schema.ts";

type TrustQueries = Pick<Store, "position" | "revoke" | "listRevocations" | "findRevocations" | "forgetRevocations">;

/** Facts from a shared database: which copy of the tables this is, and the time of its clock. */
export type DatabaseInfo = {
  history: RawBuilder<string>;
  now: RawBuilder<Seconds>;
  milliseconds: RawBuilder<Milliseconds>;
};

/**
 * Until when a revocation is retained: its stored time, or a later one if the longest lifetime was raised since (its
 * sequence number is its time) or an earlier release stored it under a lower limit.
 */
const RETAINED_UNTIL = sql<Seconds>`case
  when kind = 'token' or until >= sequence / 1000 + (select longest_lifetime from state) + ${MAX_CLOCK_SKEW} then until
  else sequence / 1000 + (select longest_lifetime from state) + ${MAX_CLOCK_SKEW} end`;

type Deps = { commit: Commit; info: DatabaseInfo | undefined };

export function createTrustQueries(db: Kysely<Schema>, { commit, info }: Deps): TrustQueries {
  return {
    async position() {
      const state = db.selectFrom("state").selectAll();
      if (info === undefined) return fromStateRow(await state.executeTakeFirstOrThrow());
      const { history, now, ...row } = await state
        .select([info.history.as("history"), info.now.as("now")])
        .executeTakeFirstOrThrow();
      const position = fromStateRow(row);
      return { ...position, epoch: `${position.epoch}.${history}`, time: now };
    },

    revoke: (revocation, record) =>
      commit(record, async (transaction, state) => {
        const revoked = await addRevocation(transaction, revocation, { ...state, at: record.at });
        return { outcome: revoked.sequence, record };
      }),

    listRevocations: (after, limit) =>
      selectRevocations(db).where("sequence", ">", after).orderBy("sequence").limit(limit).execute(),

    findRevocations: (of) =>
      selectRevocations(db)
        .where(({ eb, and, or }) => or(of.map(({ kind, id }) => and([eb("kind", "=", kind), eb("id", "=", id)]))))
        .execute(),

    forgetRevocations: createPrune(db, {
      table: "revocations",
      key: "sequence",
      moment: "until",
      until: RETAINED_UNTIL,
    }),
  };
}

function selectRevocations(db: Kysely<Schema>) {
  return db.selectFrom("revocations").select(["kind", "id", "sequence", RETAINED_UNTIL.as("until")]);
}

/** The column that selects the grants of a revocation. */
const COLUMN_OF_KIND = { subject: "subject", client: "client_id", session: "sid" } as const;

/** Stores a revocation and deletes its grants. Returns it as stored. */
export async function addRevocation(transaction: Tx, revoked: NewRevocation, change: RevokedAt): Promise<Revocation> {
  const { kind, id } = revoked;
  const known = await transaction
    .selectFrom("revocations")
    .selectAll()
    .where("kind", "=", kind)
    .where("id", "=", id)
    .executeTakeFirst();
  const revocation = revocationAfter(known, revoked, change);
  if (revocation === known) return known;
  const { sequence, until } = revocation;
  await transaction
    .insertInto("revocations")
    .values(revocation)
    .onConflict((conflict) => conflict.columns(["kind", "id"]).doUpdateSet({ sequence, until }))
    .execute();
  if (kind !== "token") await deleteGrants(transaction, COLUMN_OF_KIND[kind], id);
  return revocation;
}

/** Deletes grants before their tokens: the lock order of a rotation. */
async function deleteGrants(
  transaction: Tx,
  by: (typeof COLUMN_OF_KIND)[keyof typeof COLUMN_OF_KIND],
  id: string,
): Promise<void> {
  const ended = await transaction.deleteFrom("sessions").where(by, "=", id).returning("sid").execute();
  await deleteRefreshTokens(transaction, ended);
}

/** Values in one list: SQLite allows 32,766 parameters. */
const MAX_VALUES = 1000;

/** Deletes the refresh tokens of deleted grants. */
async function deleteRefreshTokens(transaction: Tx, ended: readonly { sid: string }[]): Promise<void> {
  for (let at = 0; at < ended.length; at += MAX_VALUES) {
    const sids = ended.slice(at, at + MAX_VALUES).map(({ sid }) => sid);
    await transaction.deleteFrom("refresh_tokens").where("sid", "in", sids).execute();
  }
}
