import type { Seconds } from "../../time.ts";
import type { ListedSignIn, SignIn } from "../sign-in.ts";
import type { SignInStore } from "../sign-in-store.ts";
import { commit, compare, type MemoryDatabase, wasRevokedSince } from "./database.ts";

export function createSignInVerbs(database: MemoryDatabase): SignInStore {
  const { signIns } = database.people;
  return {
    addSignIn: async (signIn, sequence, record) =>
      commit(database, record, () => {
        if (wasRevokedSince(database, sequence, { subject: signIn.subject })) return { outcome: "revoked" };
        signIns.set(signIn.sid, structuredClone(signIn));
        return { outcome: "added", record };
      }),

    renewSignIn: async (sid, { sequence, ...change }, record) =>
      commit(database, record, () => {
        const signIn = signIns.get(sid);
        if (signIn === undefined) return { outcome: "unknown" };
        const { subject, createdAt } = signIn;
        if (wasRevokedSince(database, sequence, { subject })) return { outcome: "revoked" };
        signIns.set(sid, structuredClone({ ...change, sid, subject, createdAt }));
        return { outcome: "renewed", record };
      }),

    findSignIn: async (hash) => structuredClone([...signIns.values()].find((signIn) => signIn.hash === hash)),
    findSignInBySid: async (sid) => structuredClone(signIns.get(sid)),

    listSignIns: async ({ subject, now, before, limit }) =>
      [...signIns.values()]
        .filter((signIn) => signIn.subject === subject && signIn.expiresAt > now)
        .toSorted(newestFirst)
        .filter((signIn) => before === undefined || newestFirst(before, signIn) < 0)
        .slice(0, limit)
        .map(listed),

    async pruneSignInData(now, limit) {
      const due = expired(database, now).slice(0, limit);
      for (const remove of due) remove();
      return { count: due.length, more: due.length === limit };
    },
  };
}

type Position = Pick<SignIn, "createdAt" | "sid">;

function newestFirst(a: Position, b: Position): number {
  return b.createdAt - a.createdAt || compare(b.sid, a.sid);
}

function listed({ sid, subject, authTime, createdAt, expiresAt }: SignIn): ListedSignIn {
  return { sid, subject, authTime, createdAt, expiresAt };
}

/** Removals of what has expired. */
function expired({ people }: MemoryDatabase, now: Seconds): (() => void)[] {
  const { signIns, requests, codes, devices, notices } = people;
  const of = <Row>(rows: Map<string, Row>, endOf: (row: Row) => Seconds) =>
    [...rows]
      .filter(([, row]) => endOf(row) <= now)
      .map(
        ([id]) =>
          () =>
            void rows.delete(id),
      );
  return [
    // Before the sessions, whose notices live as long.
    ...of(notices, ({ sid, until }) => Math.max(until, signIns.get(sid)?.expiresAt ?? 0)),
    ...of(signIns, ({ expiresAt }) => expiresAt),
    ...of(requests, ({ expiresAt }) => expiresAt),
    ...of(codes, ({ until }) => until),
    ...of(devices, ({ expiresAt }) => expiresAt),
  ];
}
