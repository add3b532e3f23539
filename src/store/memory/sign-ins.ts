import type { Seconds } from "../../time.ts";
import type { Pruned } from "../pruned.ts";
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

    pruneSignInData: async (now, limit) => removeFirst(expiredOfPeople(database, now), limit),
    pruneRequests: async (now, limit) => removeFirst(expiredRequests(database, now), limit),
  };
}

type Position = Pick<SignIn, "createdAt" | "sid">;

function newestFirst(a: Position, b: Position): number {
  return b.createdAt - a.createdAt || compare(b.sid, a.sid);
}

function listed({ sid, subject, authTime, createdAt, expiresAt }: SignIn): ListedSignIn {
  return { sid, subject, authTime, createdAt, expiresAt };
}

/** Removals of rows. */
type Removals = (() => void)[];

function removeFirst(due: Removals, limit: number): Pruned {
  const removed = due.slice(0, limit);
  for (const remove of removed) remove();
  return { count: removed.length, more: removed.length === limit };
}

function expiredOfPeople({ people }: MemoryDatabase, now: Seconds): Removals {
  const { signIns, codes, notices } = people;
  return [
    // Before the sessions, whose notices live as long.
    ...expired(notices, ({ sid, until }) => Math.max(until, signIns.get(sid)?.expiresAt ?? 0) <= now),
    ...expired(signIns, ({ expiresAt }) => expiresAt <= now),
    ...expired(codes, ({ until }) => until <= now),
  ];
}

function expiredRequests({ people }: MemoryDatabase, now: Seconds): Removals {
  const { requests, devices } = people;
  const isExpired = ({ expiresAt }: { expiresAt: Seconds }) => expiresAt <= now;
  return [...expired(requests, isExpired), ...expired(devices, isExpired)];
}

function expired<Row>(rows: Map<string, Row>, isExpired: (row: Row) => boolean): Removals {
  const ids = [...rows].filter(([, row]) => isExpired(row)).map(([id]) => id);
  return ids.map((id) => () => void rows.delete(id));
}
