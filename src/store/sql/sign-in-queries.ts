import { type Kysely, sql } from "kysely";
import type { Seconds } from "../../time.ts";
import type { Pruned } from "../pruned.ts";
import type { SignInQuery } from "../sign-in.ts";
import type { SignInStore } from "../sign-in-store.ts";
import type { Commit } from "./commit.ts";
import { fromListedSignInRow, fromSignInRow, toRenewedColumns, toSignInRow } from "./people-mappers.ts";
import type { CreatePrune } from "./prune.ts";
import { wasRevokedSince } from "./revoked-since.ts";
import type { Schema } from "./schema.ts";
import { ONE, statement } from "./statement.ts";

type Deps = { commit: Commit; createPrune: CreatePrune };

export function createSignInQueries(db: Kysely<Schema>, { commit, createPrune }: Deps): SignInStore {
  const ofPeople = [
    createPrune({ table: "sign_ins", key: ["sid"], moment: "expires_at" }),
    createPrune({ table: "authorization_codes", key: ["hash"], moment: "until" }),
    createPrune({ table: "logout_notices", key: ["sid", "client_id"], moment: "until", until: NOTICE_UNTIL }),
  ];
  const ofAnybody = [
    createPrune({ table: "authorization_requests", key: ["handle"], moment: "expires_at" }),
    createPrune({ table: "device_requests", key: ["hash"], moment: "expires_at" }),
  ];
  return {
    addSignIn: (signIn, sequence, record) =>
      commit(record, async (transaction) => {
        if (await wasRevokedSince(transaction, sequence, { subject: signIn.subject })) return { outcome: "revoked" };
        await transaction.insertInto("sign_ins").values(toSignInRow(signIn)).execute();
        return { outcome: "added", record };
      }),

    renewSignIn: (sid, { sequence, ...change }, record) =>
      commit(record, async (transaction) => {
        const known = transaction.selectFrom("sign_ins").select("subject").where("sid", "=", sid);
        const found = await known.executeTakeFirst();
        if (found === undefined) return { outcome: "unknown" };
        if (await wasRevokedSince(transaction, sequence, found)) return { outcome: "revoked" };
        const { numUpdatedRows } = await transaction
          .updateTable("sign_ins")
          .set(toRenewedColumns(change))
          .where("sid", "=", sid)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? { outcome: "renewed", record } : { outcome: "unknown" };
      }),

    async findSignIn(hash) {
      const [row] = (await selectByHash(db, { hash })).rows;
      return row && fromSignInRow(row);
    },

    async findSignInBySid(sid) {
      const [row] = (await selectBySid(db, { sid })).rows;
      return row && fromSignInRow(row);
    },

    async listSignIns(query) {
      const rows = await signInPage(db, query).execute();
      return rows.map(fromListedSignInRow);
    },

    pruneSignInData: (now, limit) => pruneAll(ofPeople, { before: now + 1, limit }),
    pruneRequests: (now, limit) => pruneAll(ofAnybody, { before: now + 1, limit }),
  };
}

const selectByHash = statement((db, { hash }: { hash: string }) =>
  db.selectFrom("sign_ins").selectAll().where("hash", "=", hash).limit(ONE),
);

const selectBySid = statement((db, { sid }: { sid: string }) =>
  db.selectFrom("sign_ins").selectAll().where("sid", "=", sid).limit(ONE),
);

/** A relying party is notified of the end of a session, so the notice lives as long as that. */
const NOTICE_UNTIL = sql<Seconds>`coalesce((
  select case when expires_at > logout_notices.until then expires_at end from sign_ins where sign_ins.sid = logout_notices.sid
), logout_notices.until)`;

function signInPage(db: Kysely<Schema>, { subject, now, before, limit }: SignInQuery) {
  const page = db
    .selectFrom("sign_ins")
    .select(["sid", "subject", "auth_time", "created_at", "expires_at"])
    .where("subject", "=", subject)
    .where("expires_at", ">", now)
    .orderBy("created_at", "desc")
    .orderBy("sid", "desc")
    .limit(limit);
  if (before === undefined) return page;
  return page.where(sql<boolean>`(created_at, sid) < (${before.createdAt}, ${before.sid})`);
}

type PruneAll = { before: Seconds; limit: number };

/** Deletes from one table after the other, up to the limit in all. */
async function pruneAll(prunes: readonly ReturnType<CreatePrune>[], { before, limit }: PruneAll): Promise<Pruned> {
  let count = 0;
  for (const prune of prunes) {
    if (count >= limit) return { count, more: true };
    const pruned = await prune(before, limit - count);
    count += pruned.count;
    if (pruned.more) return { count, more: true };
  }
  return { count, more: false };
}
