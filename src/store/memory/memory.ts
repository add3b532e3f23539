import { randomUUID } from "node:crypto";
import type { AuditQuery, AuditRecord, NamedRecord } from "../audit.ts";
import type { Pruned } from "../pruned.ts";
import type { Store } from "../store.ts";
import { createWatch } from "../watch.ts";
import { createCodeVerbs, createConsentVerbs, createRequestVerbs } from "./authorizations.ts";
import { createClientVerbs } from "./clients.ts";
import {
  addRecord,
  addRevocation,
  commit,
  compare,
  createMemoryDatabase,
  type MemoryDatabase,
  requireNewRecord,
} from "./database.ts";
import { createDeviceVerbs, createLogoutVerbs } from "./devices.ts";
import { createGrantVerbs } from "./grants.ts";
import { createIntroducedClientVerbs } from "./introduced-clients.ts";
import { createKeyVerbs } from "./keys.ts";
import { createResourceVerbs } from "./resources.ts";
import { createSignInVerbs } from "./sign-ins.ts";

/**
 * A store in the memory of this process, for tests: it fulfils the contract of {@link Store} except that nothing is
 * durable. Stores of one database see each other's changes, as servers with one database do.
 */
export function openMemoryStore(database: MemoryDatabase = createMemoryDatabase()): Store {
  const { watch, unwatchAll } = createWatch((onChange) => {
    database.watchers.add(onChange);
    return () => database.watchers.delete(onChange);
  });
  return {
    ...createKeyVerbs(database),
    ...createGrantVerbs(database),
    ...createClientVerbs(database),
    ...createIntroducedClientVerbs(database),
    ...createResourceVerbs(database),
    ...createTrustVerbs(database),
    ...createAuditVerbs(database),
    ...createCountVerbs(database),
    ...createSignInVerbs(database),
    ...createRequestVerbs(database),
    ...createCodeVerbs(database),
    ...createConsentVerbs(database),
    ...createDeviceVerbs(database),
    ...createLogoutVerbs(database),
    shared: false,
    system: "memory",
    watch,
    close: async () => unwatchAll(),
  };
}

type TrustVerbs = Pick<
  Store,
  "position" | "changeSettings" | "revoke" | "listRevocations" | "findRevocations" | "forgetRevocations"
>;

function createTrustVerbs(database: MemoryDatabase): TrustVerbs {
  const { position, revocations } = database;
  return {
    position: async () => structuredClone(position),

    changeSettings: async ({ longestLifetime = 0, ...settings }, { record, isInitial }) =>
      commit(database, record, () => {
        const from = position.settings.longestLifetime;
        Object.assign(position.settings, structuredClone(settings));
        if (longestLifetime > from) {
          for (const revocation of revocations.values())
            if (revocation.kind !== "token") revocation.until += longestLifetime - from;
          // Followers have the shorter retention. A new epoch makes them fetch a snapshot.
          if (from > 0) position.epoch = randomUUID();
          position.settings.longestLifetime = longestLifetime;
        }
        return { outcome: undefined, ...(!isInitial && { record }) };
      }),

    revoke: async (revocation, record) =>
      commit(database, record, (sequence) => {
        const revoked = addRevocation(database, revocation, { sequence, at: record.at });
        return { outcome: revoked.sequence, record };
      }),

    listRevocations: async (after, limit) =>
      [...revocations.values()]
        .filter(({ sequence }) => sequence > after)
        .toSorted((a, b) => a.sequence - b.sequence)
        .slice(0, limit)
        .map((revocation) => ({ ...revocation })),

    findRevocations: async (of) =>
      structuredClone(of.flatMap(({ kind, id }) => revocations.get(`${kind} ${id}`) ?? [])),

    forgetRevocations: async (before, limit) => prune(revocations, limit, ({ until }) => until < before),
  };
}

type AuditVerbs = Pick<Store, "appendAudit" | "listAudit" | "findTokenRecords" | "pruneAudit" | "checkWritable">;

function createAuditVerbs(database: MemoryDatabase): AuditVerbs {
  const { audit, clients } = database;
  const named = (record: AuditRecord): NamedRecord => {
    const clientName = clients.get(record.clientId ?? "")?.name;
    return { ...record, ...(clientName !== undefined && { clientName }) };
  };
  return {
    async appendAudit(records) {
      for (const record of records) requireNewRecord(database, record);
      for (const record of records) addRecord(database, record);
    },
    listAudit: async (query) =>
      structuredClone(
        [...audit.values()]
          .filter((record) => isListed(record, query))
          .toSorted((a, b) => compare(b.id, a.id))
          .slice(0, query.limit)
          .map(named),
      ),
    findTokenRecords: async (jti) =>
      structuredClone(
        [...audit.values()]
          .filter((record) => record.jti === jti && record.outcome === "allowed")
          .toSorted((a, b) => compare(a.id, b.id))
          .slice(0, 10)
          .map(named),
      ),
    pruneAudit: async (before, limit) => prune(audit, limit, ({ at }) => at < before),
    async checkWritable() {},
  };
}

function isListed(record: AuditRecord, { clientId, action, outcome, from, to, before }: AuditQuery): boolean {
  return (
    (clientId === undefined || record.clientId === clientId) &&
    (action === undefined || record.action === action) &&
    (outcome === undefined || record.outcome === outcome) &&
    (from === undefined || record.at >= from) &&
    (to === undefined || record.at < to) &&
    (before === undefined || record.id < before)
  );
}

function createCountVerbs({ counts }: MemoryDatabase): Pick<Store, "addToCounts" | "readCounts" | "pruneCounts"> {
  return {
    addToCounts: async (additions) =>
      additions.map(({ id, amount, until }) => {
        const count = counts.get(id) ?? { count: 0, until };
        count.count += amount;
        counts.set(id, count);
        return count.count;
      }),
    readCounts: async (ids) => ids.map((id) => counts.get(id)?.count ?? 0),
    pruneCounts: async (now, limit) => prune(counts, limit, ({ until }) => until <= now),
  };
}

function prune<Row>(rows: Map<string, Row>, limit: number, isExpired: (row: Row) => boolean): Pruned {
  const expired = [...rows].filter(([, row]) => isExpired(row)).slice(0, limit);
  for (const [id] of expired) rows.delete(id);
  return { count: expired.length, more: expired.length === limit };
}
