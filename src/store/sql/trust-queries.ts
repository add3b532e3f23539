import { type Kysely, type RawBuilder, sql } from "kysely";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Seconds } from "../../time.ts";
import type { Revocation } from "../../trust/trust-update.ts";
import type { AuditRecord } from "../audit.ts";
import type { NewRevocation, Store } from "../store.ts";
import type { ChangeState, Commit, Tx } from "./commit.ts";
import { fromStateRow } from "./mappers.ts";
import { createPrune } from "./prune.ts";
import type { Schema } from "./schema.ts";

type TrustQueries = Pick<Store, "position" | "revoke" | "listRevocations" | "forgetRevocations">;

/** What a shared database knows by itself: which copy of the tables this is, and what time it is there, in seconds. */
export type Witness = { history: RawBuilder<string>; now: RawBuilder<Seconds>; milliseconds: RawBuilder<number> };

/**
 * Until when a revocation is kept: as its row says, or longer where the longest lifetime has become known since it was made
 * (its number is the time), or where an earlier release has made it by a limit of its own.
 */
const KEPT_UNTIL = sql<Seconds>`case
  when kind = 'token' or until >= sequence / 1000 + (select longest_lifetime from state) + ${MAX_CLOCK_SKEW} then until
  else sequence / 1000 + (select longest_lifetime from state) + ${MAX_CLOCK_SKEW} end`;

type Deps = { change: Commit; witness: Witness | undefined };

export function createTrustQueries(db: Kysely<Schema>, { change, witness }: Deps): TrustQueries {
  return {
    async position() {
      const state = db.selectFrom("state").selectAll();
      if (witness === undefined) return fromStateRow(await state.executeTakeFirstOrThrow());
      const { history, now, ...row } = await state
        .select([witness.history.as("history"), witness.now.as("now")])
        .executeTakeFirstOrThrow();
      const position = fromStateRow(row);
      return { ...position, epoch: `${position.epoch}.${history}`, time: now };
    },

    revoke: (revocation, record) =>
      change(record, async (transaction, state) => {
        const known = await transaction
          .selectFrom("revocations")
          .select("sequence")
          .where("kind", "=", revocation.kind)
          .where("id", "=", revocation.id)
          .executeTakeFirst();
        // Tokens and sessions are revoked once and for all; whatever else, all that was issued until now.
        const isOnce = revocation.kind === "token" || revocation.kind === "session";
        if (known !== undefined && isOnce) return { outcome: known.sequence, record };
        await insertRevocation(transaction, revocationOf(revocation, { state, record }));
        return { outcome: state.sequence, record };
      }),

    listRevocations: (after, limit) =>
      db
        .selectFrom("revocations")
        .select(["kind", "id", "sequence", KEPT_UNTIL.as("until")])
        .where("sequence", ">", after)
        .orderBy("sequence")
        .limit(limit)
        .execute(),

    forgetRevocations: createPrune(db, {
      table: "revocations",
      key: "sequence",
      moment: "until",
      until: KEPT_UNTIL,
    }),
  };
}

/** Which column of a session a revocation ends it by. */
const SESSIONS_BY = { subject: "subject", client: "client_id", session: "sid" } as const;

/**
 * Settles how long a revocation is kept: of a token until it expires, else until all tokens have that could be meant, as
 * long as they could ever live and whatever this server allows now.
 */
export function revocationOf(
  { kind, id, until = 0 }: NewRevocation,
  { state, record }: { state: ChangeState; record: AuditRecord },
): Revocation {
  const { sequence, longestLifetime } = state;
  if (kind === "token") return { kind, id, sequence, until };
  return { kind, id, sequence, until: Math.max(until, record.at + longestLifetime + MAX_CLOCK_SKEW) };
}

/** Stores a revocation, and ends the sessions that it is about. A later one never shortens an earlier one. */
export async function insertRevocation(transaction: Tx, revocation: Revocation): Promise<void> {
  const { kind, id, sequence, until } = revocation;
  await transaction
    .insertInto("revocations")
    .values(revocation)
    .onConflict((conflict) =>
      conflict.columns(["kind", "id"]).doUpdateSet(({ eb, ref }) => ({
        sequence,
        until: eb.case().when("revocations.until", ">", until).then(ref("revocations.until")).else(until).end(),
      })),
    )
    .execute();
  if (kind !== "token") await endSessions(transaction, SESSIONS_BY[kind], id);
}

/** Ends sessions first and their tokens then, in the order in which a turn locks them. */
async function endSessions(
  transaction: Tx,
  by: (typeof SESSIONS_BY)[keyof typeof SESSIONS_BY],
  id: string,
): Promise<void> {
  const ended = await transaction.deleteFrom("sessions").where(by, "=", id).returning("sid").execute();
  await deleteTokensOf(transaction, ended);
}

/** Values in one list: SQLite takes 32,766 parameters. */
const MAX_VALUES = 1000;

/** Deletes the refresh tokens of sessions that are deleted already. */
async function deleteTokensOf(transaction: Tx, ended: readonly { sid: string }[]): Promise<void> {
  for (let at = 0; at < ended.length; at += MAX_VALUES) {
    const sids = ended.slice(at, at + MAX_VALUES).map(({ sid }) => sid);
    await transaction.deleteFrom("refresh_tokens").where("sid", "in", sids).execute();
  }
}
