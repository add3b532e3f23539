import type { Kysely } from "kysely";
import type { AuthorizationCode } from "../authorization.ts";
import { isAgreed, unitedWith } from "../consent.ts";
import type { Consent } from "../sign-in.ts";
import type { AuthorizationStore, CodeChange, Redemption } from "../sign-in-store.ts";
import { type Commit, type Tx, writeWithRecord } from "./commit.ts";
import { readConsents, writeConsents } from "./consent-queries.ts";
import { insertGrant } from "./grant-queries.ts";
import { fromCodeRow, toCodeRow } from "./people-mappers.ts";
import { wasRevokedSince } from "./revoked-since.ts";
import type { Schema } from "./schema.ts";

type CodeQueries = Pick<AuthorizationStore, "addCode" | "findCode" | "redeemCode" | "endCode">;

export function createCodeQueries(db: Kysely<Schema>, commit: Commit): CodeQueries {
  return {
    addCode: (code, change, record) =>
      commit(record, async (transaction) => {
        if (await hasEnded(transaction, code, change.sequence)) return { outcome: "ended" };
        const stored = change.consents.length === 0 ? [] : await readConsents(transaction, code);
        if (!change.agrees && !change.consents.every((consent) => isAgreed(consent, stored)))
          return { outcome: "not_agreed" };
        // The last check, because it changes a row: nothing is rolled back.
        if (!(await takeRequests(transaction, change))) return { outcome: "unknown" };
        if (change.agrees) await agree(transaction, change.consents, stored);
        await transaction.insertInto("authorization_codes").values(toCodeRow(code)).execute();
        return { outcome: "added", record };
      }),

    async findCode(hash) {
      const row = await db.selectFrom("authorization_codes").selectAll().where("hash", "=", hash).executeTakeFirst();
      return row && fromCodeRow(row);
    },

    redeemCode: (hash, redemption, record) =>
      commit(record, async (transaction) => {
        const { grant, refreshHash, sequence } = redemption;
        if (await wasRevokedSince(transaction, sequence, grant)) return { outcome: "revoked" };
        const used = await useCode(transaction, hash, redemption);
        if (used !== "redeemed") return { outcome: used };
        await insertGrant(transaction, grant, refreshHash);
        if (redemption.notify) await addNotice(transaction, redemption);
        return { outcome: "redeemed", record };
      }),

    endCode: (hash, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("authorization_codes")
          .where("hash", "=", hash)
          .where("grant_sid", "is", null)
          .executeTakeFirst();
        return numDeletedRows === 1n ? { outcome: "ended", record } : { outcome: "unknown" };
      }),
  };
}

async function hasEnded(transaction: Tx, code: AuthorizationCode, sequence: number): Promise<boolean> {
  const session = transaction.selectFrom("sign_ins").select("sid").where("sid", "=", code.sid);
  if ((await session.executeTakeFirst()) === undefined) return true;
  return wasRevokedSince(transaction, sequence, code);
}

/** Deletes the request that the code answers. False where it is not stored any more. */
async function takeRequests(transaction: Tx, { handle, device }: CodeChange): Promise<boolean> {
  if (handle !== undefined) {
    const request = transaction.deleteFrom("authorization_requests").where("handle", "=", handle);
    if ((await request.executeTakeFirst()).numDeletedRows === 0n) return false;
  }
  if (device === undefined) return true;
  const request = transaction.deleteFrom("device_requests").where("hash", "=", device).where("denied", "=", 0);
  return (await request.executeTakeFirst()).numDeletedRows === 1n;
}

async function agree(transaction: Tx, given: readonly Consent[], stored: readonly Consent[]): Promise<void> {
  if (given.length > 0)
    await writeConsents(
      transaction,
      given.map((consent) => unitedWith(consent, stored)),
    );
}

async function useCode(
  transaction: Tx,
  hash: string,
  { grant, until }: Redemption,
): Promise<"redeemed" | "used" | "unknown"> {
  const { numUpdatedRows } = await transaction
    .updateTable("authorization_codes")
    .set({ grant_sid: grant.sid, until })
    .where("hash", "=", hash)
    .where("grant_sid", "is", null)
    .executeTakeFirst();
  if (numUpdatedRows === 1n) return "redeemed";
  const used = await transaction
    .selectFrom("authorization_codes")
    .select("hash")
    .where("hash", "=", hash)
    .executeTakeFirst();
  return used === undefined ? "unknown" : "used";
}

/** The client is notified once, however many codes it redeems in a session. */
async function addNotice(transaction: Tx, { grant, until }: Redemption): Promise<void> {
  const { signIn: sid = grant.sid, clientId: client_id, subject } = grant;
  await transaction
    .insertInto("logout_notices")
    .values({ sid, client_id, subject, attempts: 0, due_at: null, until })
    .onConflict((conflict) =>
      conflict.columns(["sid", "client_id"]).doUpdateSet(({ eb, ref }) => ({
        until: eb
          .case()
          .when("logout_notices.until", "<", ref("excluded.until"))
          .then(ref("excluded.until"))
          .else(ref("logout_notices.until"))
          .end(),
      })),
    )
    .execute();
}
