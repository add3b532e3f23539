import { type Insertable, type Kysely, sql } from "kysely";
import type { Seconds } from "../../time.ts";
import { type Grant, type GrantQuery, type RefreshRotation, rotationOutcome } from "../grant.ts";
import type { Pruned } from "../pruned.ts";
import type { Store } from "../store.ts";
import { toAuditRow } from "./audit-mappers.ts";
import { type Commit, insertAudit, type Transact, type Tx } from "./commit.ts";
import { fromGrantRow, fromListedRow, toGrantRow } from "./mappers.ts";
import type { SkipLocked } from "./prune.ts";
import { wasRevokedSince } from "./revoked-since.ts";
import type { Schema } from "./schema.ts";
import { ONE, statement } from "./statement.ts";

type GrantQueries = Pick<
  Store,
  "addGrant" | "findGrant" | "findGrantBySid" | "listGrants" | "rotateRefreshToken" | "pruneGrants"
>;

type Deps = { commit: Commit; transact: Transact; skipLocked: SkipLocked };

export function createGrantQueries(db: Kysely<Schema>, { commit, transact, skipLocked }: Deps): GrantQueries {
  return {
    addGrant: (grant, { hash, sequence }, record) =>
      commit(record, async (transaction) => {
        if (await wasRevokedSince(transaction, sequence, grant)) return { outcome: "revoked" };
        await insertGrant(transaction, grant, hash);
        return { outcome: "added", record };
      }),

    async findGrant(hash) {
      const [row] = (await selectByToken(db, { hash })).rows;
      return row && fromGrantRow(row);
    },

    async findGrantBySid(sid) {
      const [row] = (await selectBySid(db, { sid })).rows;
      return row && fromGrantRow(row);
    },

    async listGrants(query) {
      const rows = await grantPage(db, query).execute();
      return rows.map(fromListedRow);
    },

    rotateRefreshToken: (sid, rotation, record) =>
      transact(async (transaction) => {
        if (!(await renewIdleTime(transaction, sid, rotation))) return "unknown";
        const outcome = await useToken(transaction, sid, rotation);
        if (outcome === "rotated" || outcome === "replayed") await insertAudit(transaction, toAuditRow(record));
        return outcome;
      }),

    pruneGrants: (now, limit) =>
      db.transaction().execute((transaction) => prune(transaction, skipLocked, { now, limit })),
  };
}

/** Adds a grant, and its first refresh token if it has one. */
export async function insertGrant(transaction: Tx, grant: Grant, hash: string | undefined): Promise<void> {
  await insertGrantRow(transaction, toGrantRow(grant));
  if (hash !== undefined) await insertToken(transaction, { hash, sid: grant.sid });
}

const insertGrantRow = statement((db, row: Insertable<Schema["sessions"]>) => db.insertInto("sessions").values(row));

const insertToken = statement((db, row: { hash: string; sid: string }) => db.insertInto("refresh_tokens").values(row));

const selectBySid = statement((db, { sid }: { sid: string }) =>
  db.selectFrom("sessions").selectAll().where("sid", "=", sid).limit(ONE),
);

const selectByToken = statement((db, { hash }: { hash: string }) =>
  db
    .selectFrom("sessions")
    .selectAll()
    .where("sid", "in", db.selectFrom("refresh_tokens").select("sid").where("hash", "=", hash))
    .limit(ONE),
);

/** Without the seed: a list must not give what derives refresh tokens. */
const LISTED = [
  ...(["sid", "client_id", "subject", "audience", "audiences", "scope"] as const),
  ...(["created_at", "expires_at", "idle_until", "sign_in"] as const),
];

function grantPage(db: Kysely<Schema>, { subject, now, before, limit }: GrantQuery) {
  const page = db
    .selectFrom("sessions")
    .select(LISTED)
    .select(({ selectFrom }) =>
      selectFrom("clients").select("name").whereRef("clients.client_id", "=", "sessions.client_id").as("client_name"),
    )
    .where("subject", "=", subject)
    .where("expires_at", ">", now)
    .where("idle_until", ">", now)
    .orderBy("created_at", "desc")
    .orderBy("sid", "desc")
    .limit(limit);
  if (before === undefined) return page;
  return page.where(sql<boolean>`(created_at, sid) < (${before.createdAt}, ${before.sid})`);
}

type PruneBatch = { now: Seconds; limit: number };

/** Deletes expired grants: first their refresh tokens, which may be thousands for one grant, then the grants. */
async function prune(transaction: Tx, skipLocked: SkipLocked, { now, limit }: PruneBatch): Promise<Pruned> {
  const found = await findEnded(transaction, now, limit);
  if (found.length === 0) return { count: 0, more: false };
  // Locks and ends them: a server whose clock is behind must not renew a grant whose tokens are deleted.
  const ended = await transaction
    .updateTable("sessions")
    .set({ idle_until: 0 })
    .where("sid", "in", ({ selectFrom }) =>
      selectFrom("sessions").select("sid").where("sid", "in", found).where(isEnded(now)).modifyEnd(skipLocked),
    )
    .where(isEnded(now))
    .returning("sid")
    .execute();
  const sids = ended.map(({ sid }) => sid);
  if (sids.length === 0) return { count: 0, more: false };
  const tokens = transaction
    .selectFrom("refresh_tokens")
    .select("hash")
    .where("sid", "in", sids)
    .limit(limit + 1);
  const hashes = (await tokens.execute()).map(({ hash }) => hash);
  const batch = hashes.slice(0, limit);
  if (batch.length > 0) await transaction.deleteFrom("refresh_tokens").where("hash", "in", batch).execute();
  if (hashes.length > limit) return { count: 0, more: true };
  await transaction.deleteFrom("sessions").where("sid", "in", sids).execute();
  return { count: sids.length, more: found.length >= limit };
}

function isEnded(now: Seconds) {
  return sql<boolean>`(expires_at <= ${now} or idle_until <= ${now})`;
}

/** Reads one index after the other: a condition on both columns could use neither for ordering. */
async function findEnded(transaction: Tx, now: Seconds, limit: number): Promise<string[]> {
  const found = new Set<string>();
  for (const end of ["idle_until", "expires_at"] as const) {
    if (found.size >= limit) break;
    const ended = transaction.selectFrom("sessions").select("sid").where(end, "<=", now).orderBy(end).limit(limit);
    for (const { sid } of await ended.execute()) found.add(sid);
  }
  return [...found];
}

/** Renews the idle time of an active grant. The update locks its row, so concurrent rotations run one after the other. */
async function renewIdleTime(transaction: Tx, sid: string, { now, idleUntil }: RefreshRotation): Promise<boolean> {
  const { numAffectedRows } = await updateActive(transaction, { sid, now, idleUntil });
  return numAffectedRows === 1n;
}

const updateActive = statement((db, { sid, now, idleUntil }: { sid: string; now: Seconds; idleUntil: Seconds }) =>
  db
    .updateTable("sessions")
    .set({ idle_until: idleUntil })
    .where("sid", "=", sid)
    .where("expires_at", ">", now)
    .where("idle_until", ">", now),
);

async function useToken(
  transaction: Tx,
  sid: string,
  rotation: RefreshRotation,
): Promise<"rotated" | "replayed" | "reused" | "unknown"> {
  const [token] = (await selectToken(transaction, { hash: rotation.hash, sid })).rows;
  if (token === undefined) return "unknown";
  const outcome = rotationOutcome({ usedAt: token.used_at, usedBy: token.used_by }, rotation);
  if (outcome !== "rotated") return outcome;
  await updateToken(transaction, { hash: rotation.hash, used_at: rotation.now, used_by: rotation.server });
  await insertToken(transaction, { hash: rotation.next, sid });
  return outcome;
}

const selectToken = statement((db, { hash, sid }: { hash: string; sid: string }) =>
  db
    .selectFrom("refresh_tokens")
    .select(["used_at", "used_by"])
    .where("hash", "=", hash)
    .where("sid", "=", sid)
    .limit(ONE),
);

const updateToken = statement((db, { hash, ...use }: { hash: string; used_at: Seconds; used_by: string }) =>
  db.updateTable("refresh_tokens").set(use).where("hash", "=", hash),
);
