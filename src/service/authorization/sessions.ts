import type { ListedSignIn } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import { pageOf, positionIn } from "../newest-first.ts";
import type { Counters } from "../operations/counters.ts";

/** A page of sign-in sessions. `next` is the cursor of the next page, absent on the last. */
type SessionPage = { sessions: ListedSignIn[]; next?: string };

export type Sessions = {
  /** The sign-in sessions of a subject that have not ended, newest first. */
  list(caller: Caller, query: { subject: string; before?: string | undefined; limit: number }): Promise<SessionPage>;
  /**
   * Ends a sign-in session and revokes all tokens that came by it: log out everywhere. One that is unknown, as after a
   * restore, is revoked too by a client with the permission `revoke`; `unknownSession` reports it.
   */
  revoke(caller: Caller, sid: string): Promise<{ sequence: number; unknownSession?: true }>;
};

export type SessionsOptions = {
  store: Pick<Store, "listSignIns" | "findSignInBySid" | "findRevocations" | "revoke">;
  trust: Pick<StoreFollower, "catchUp">;
  authorize: Authorize;
  clock: Clock;
  counts: Counters;
};

/** Who may list the sign-in sessions and the consents of a person. */
export const LIST_PEOPLE = ["sign_in", "read_audit", "revoke"] as const;

/** The use cases of sign-in sessions. */
export function createSessions({ store, trust, authorize, clock, counts }: SessionsOptions): Sessions {
  return {
    list: (caller, { subject, before, limit }) =>
      authorize(caller, { action: "sessions.list", permission: LIST_PEOPLE }, async () => {
        const query = { subject, now: clock(), ...(before !== undefined && { before: positionIn(before) }) };
        const found = await store.listSignIns({ ...query, limit: limit + 1 });
        const { rows: sessions, ...cursor } = pageOf(found, limit);
        return { sessions, ...cursor };
      }),

    async revoke(caller, sid) {
      const session = await store.findSignInBySid(sid);
      const revocations = session === undefined ? await store.findRevocations([{ kind: "session", id: sid }]) : [];
      const isKnown = session !== undefined || revocations.length > 0;
      const operation = {
        action: "sessions.revoke",
        // Any other `sid` may be of a grant of `getToken`.
        permission: isKnown ? (["sign_in", "revoke"] as const) : "revoke",
        target: { target: sid, ...(session !== undefined && { subject: session.subject }) },
      } as const;
      return authorize(caller, operation, async (record) => {
        const sequence = await store.revoke({ kind: "session", id: sid }, record);
        counts.revoked.session += 1;
        await trust.catchUp();
        return { sequence, ...(!isKnown && { unknownSession: true }) };
      });
    },
  };
}
