import type { Kysely } from "kysely";
import type { LogoutStore } from "../sign-in-store.ts";
import { isOneOf, type SkipLocked } from "./prune.ts";
import type { Schema } from "./schema.ts";

const KEY = ["sid", "client_id"] as const;

export function createLogoutQueries(db: Kysely<Schema>, skipLocked: SkipLocked): LogoutStore {
  return {
    async takeLogouts(now, { limit, lease }) {
      const due = (source: Kysely<Schema>) =>
        source.selectFrom("logout_notices").select(KEY).where("due_at", "<=", now).orderBy("due_at").limit(limit);
      // Mostly none is due: that takes no lock.
      if ((await due(db).execute()).length === 0) return [];
      const taken = await db.transaction().execute(async (transaction) => {
        const rows = await due(transaction).modifyEnd(skipLocked).execute();
        if (rows.length === 0) return [];
        const mine = transaction
          .updateTable("logout_notices")
          .set({ due_at: now + lease })
          .where(isOneOf(KEY, rows));
        return mine.returning(["sid", "client_id", "subject", "attempts"]).execute();
      });
      return taken.map(({ client_id: clientId, ...notice }) => ({ ...notice, clientId }));
    },

    async postponeLogout({ sid, clientId }, dueAt) {
      await db
        .updateTable("logout_notices")
        .set(({ eb }) => ({ due_at: dueAt, attempts: eb("attempts", "+", 1) }))
        .where("sid", "=", sid)
        .where("client_id", "=", clientId)
        .execute();
    },

    async finishLogout({ sid, clientId }) {
      await db.deleteFrom("logout_notices").where("sid", "=", sid).where("client_id", "=", clientId).execute();
    },
  };
}
