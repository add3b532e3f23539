import type { Insertable, Kysely } from "kysely";
import type { Seconds } from "../../time.ts";
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
import { ONE, statement } from "./statement.ts";

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
        await insertCode(transaction, toCodeRow(code));
        return { outcome: "added", record };
      }),

    async findCode(hash) {
      const [row] = (await selectCode(db, { hash })).rows;
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

const insertCode = statement((db, row: Insertable<Schema["authorization_codes"]>) =>
  db.insertInto("authorization_codes").values(row),
);

const selectCode = statement((db, { hash }: { hash: string }) =>
  db.selectFrom("authorization_codes").selectAll().where("hash", "=", hash).limit(ONE),
);

const selectSession = statement((db, { sid }: { sid: string }) =>
  db.selectFrom("sign_ins").select("sid").where("sid", "=", sid).limit(ONE),
);

async function hasEnded(transaction: Tx, code: AuthorizationCode, sequence: number): Promise<boolean> {
  const { rows } = await selectSession(transaction, { sid: code.sid });
  return rows.length === 0 || wasRevokedSince(transaction, sequence, code);
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
  const { numAffectedRows } = await updateUnused(transaction, { hash, grant_sid: grant.sid, until });
  if (numAffectedRows === 1n) return "redeemed";
  const { rows } = await selectCode(transaction, { hash });
  return rows.length === 0 ? "unknown" : "used";
}

const updateUnused = statement((db, { hash, ...use }: { hash: string; grant_sid: string; until: Seconds }) =>
  db.updateTable("authorization_codes").set(use).where("hash", "=", hash).where("grant_sid", "is", null),
);

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
