import { type Kysely, type RawBuilder, sql } from "kysely";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Milliseconds, Seconds } from "../../time.ts";
import type { Revocation } from "../../trust/trust-update.ts";
import { type NewRevocation, type RevokedAt, revocationAfter } from "../revocation.ts";
import type { Store } from "../store.ts";
import type { Commit, Tx } from "./commit.ts";
import { endRevoked } from "./end-revoked.ts";
import { fromStateRow } from "./mappers.ts";
import type { CreatePrune } from "./prune.ts";
import type { Schema } from "./schema.ts";
import { ONE, onlyRow, statement } from "./statement.ts";

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

const NO_INFO = { history: sql<string | null>`null`, now: sql<Seconds | null>`null` };

type Deps = { commit: Commit; info: DatabaseInfo | undefined; createPrune: CreatePrune };

export function createTrustQueries(db: Kysely<Schema>, { commit, info, createPrune }: Deps): TrustQueries {
  const { history, now }: typeof NO_INFO = info ?? NO_INFO;
  const selectState = statement((db) =>
    db
      .selectFrom("state")
      .selectAll()
      .select([history.as("history"), now.as("now")])
      .limit(ONE),
  );
  return {
    async position() {
      const { history, now, ...row } = onlyRow(await selectState(db, {}));
      const position = fromStateRow(row);
      return now === null ? position : { ...position, epoch: `${position.epoch}.${history}`, time: now };
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

    forgetRevocations: createPrune({
      table: "revocations",
      key: ["sequence"],
      moment: "until",
      until: RETAINED_UNTIL,
    }),
  };
}

function selectRevocations(db: Kysely<Schema>) {
  return db.selectFrom("revocations").select(["kind", "id", "sequence", RETAINED_UNTIL.as("until")]);
}

/** Stores a revocation and ends what it concerns. Returns it as stored. */
export async function addRevocation(transaction: Tx, revoked: NewRevocation, change: RevokedAt): Promise<Revocation> {
  const { kind, id } = revoked;
  const [known] = (await selectRevocation(transaction, { kind, id })).rows;
  const revocation = revocationAfter(known, revoked, change);
  if (revocation === known) return known;
  await storeRevocation(transaction, revocation);
  if (kind !== "token") await endRevoked(transaction, { kind, id, at: change.at });
  return revocation;
}

const selectRevocation = statement((db, { kind, id }: Pick<Revocation, "kind" | "id">) =>
  db.selectFrom("revocations").selectAll().where("kind", "=", kind).where("id", "=", id).limit(ONE),
);

const storeRevocation = statement((db, revocation: Revocation) =>
  db
    .insertInto("revocations")
    .values(revocation)
    .onConflict((conflict) =>
      conflict
        .columns(["kind", "id"])
        .doUpdateSet(({ ref }) => ({ sequence: ref("excluded.sequence"), until: ref("excluded.until") })),
    ),
);
