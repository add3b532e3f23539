import { type Grant, hasEnded, rotationOutcome } from "../grant.ts";
import type { Store } from "../store.ts";
import {
  addRecord,
  commit,
  compare,
  type MemoryDatabase,
  removeGrant,
  requireNewRecord,
  wasRevokedSince,
} from "./database.ts";

type GrantVerbs = Pick<
  Store,
  "addGrant" | "findGrant" | "findGrantBySid" | "listGrants" | "rotateRefreshToken" | "pruneGrants"
>;

export function createGrantVerbs(database: MemoryDatabase): GrantVerbs {
  const { grants, refreshTokens } = database;
  return {
    addGrant: async (grant, { hash, sequence }, record) =>
      commit(database, record, () => {
        if (wasRevokedSince(database, sequence, grant)) return { outcome: "revoked" };
        grants.set(grant.sid, structuredClone(grant));
        refreshTokens.set(hash, { sid: grant.sid });
        return { outcome: "added", record };
      }),

    async findGrant(hash) {
      const token = refreshTokens.get(hash);
      return token && structuredClone(grants.get(token.sid));
    },

    findGrantBySid: async (sid) => structuredClone(grants.get(sid)),

    listGrants: async ({ subject, now, before, limit }) =>
      [...grants.values()]
        .filter((grant) => grant.subject === subject && !hasEnded(grant, now))
        .toSorted(newestFirst)
        .filter((grant) => before === undefined || newestFirst(before, grant) < 0)
        .slice(0, limit)
        .map(({ claims: _, ttl: __, seed: ___, ...grant }) => {
          const clientName = database.clients.get(grant.clientId)?.name;
          return { ...structuredClone(grant), ...(clientName !== undefined && { clientName }) };
        }),

    async rotateRefreshToken(sid, rotation, record) {
      const { hash, next, now, idleUntil, server } = rotation;
      const [grant, token] = [grants.get(sid), refreshTokens.get(hash)];
      if (grant === undefined || token?.sid !== sid || hasEnded(grant, now)) return "unknown";
      const outcome = rotationOutcome(token, rotation);
      if (outcome === "reused") return outcome;
      requireNewRecord(database, record);
      addRecord(database, record);
      grant.idleUntil = idleUntil;
      if (outcome === "replayed") return outcome;
      Object.assign(token, { usedAt: now, usedBy: server });
      refreshTokens.set(next, { sid });
      return outcome;
    },

    async pruneGrants(now, limit) {
      const ended = [...grants.values()].filter((grant) => hasEnded(grant, now)).slice(0, limit);
      const sids = new Set(ended.map(({ sid }) => sid));
      const hashes = [...refreshTokens].filter(([, { sid }]) => sids.has(sid)).map(([hash]) => hash);
      for (const hash of hashes.slice(0, limit)) refreshTokens.delete(hash);
      if (hashes.length > limit) {
        // A clock that is behind must not renew a grant whose tokens are deleted.
        for (const grant of ended) grant.idleUntil = 0;
        return { count: 0, more: true };
      }
      for (const sid of sids) removeGrant(database, sid);
      return { count: sids.size, more: ended.length >= limit };
    },
  };
}

type Position = Pick<Grant, "createdAt" | "sid">;

function newestFirst(a: Position, b: Position): number {
  return b.createdAt - a.createdAt || compare(b.sid, a.sid);
}
