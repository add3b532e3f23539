import { randomUUID } from "node:crypto";
import { MintmarkError } from "../../errors.ts";
import type { StoredKey } from "../../keys/key-pair.ts";
import type { Seconds } from "../../time.ts";
import type { Revocation } from "../../trust/trust-update.ts";
import { type AuditRecord, type Changed, type ChangeRecord, refuseWithdrawn } from "../audit.ts";
import type { Client } from "../client.ts";
import type { Grant, TokenUse } from "../grant.ts";
import type { Resource } from "../resource.ts";
import { type NewRevocation, type RevokedAt, revocationAfter } from "../revocation.ts";
import type { Position } from "../store.ts";
import { createPeople, endSignIns, type People, removeWhere } from "./people.ts";

/** A refresh token by its hash. Used ones are retained to detect reuse. */
type RefreshToken = TokenUse & { sid: string };

/** All state of a service, in the memory of this process. Several stores may share it. */
export type MemoryDatabase = {
  position: Position;
  keys: StoredKey[];
  clients: Map<string, Client>;
  /** By audience. */
  resources: Map<string, Resource>;
  /** By kind and id. */
  revocations: Map<string, Revocation>;
  grants: Map<string, Grant>;
  refreshTokens: Map<string, RefreshToken>;
  people: People;
  counts: Map<string, { count: number; until: Seconds }>;
  audit: Map<string, AuditRecord>;
  /** Called after each change. */
  watchers: Set<() => void>;
};

export function createMemoryDatabase(): MemoryDatabase {
  return {
    position: {
      epoch: randomUUID(),
      sequence: 0,
      keysSequence: 0,
      clientsSequence: 0,
      time: 0,
      settings: { longestLifetime: 0 },
    },
    keys: [],
    clients: new Map(),
    resources: new Map(),
    revocations: new Map(),
    grants: new Map(),
    refreshTokens: new Map(),
    people: createPeople(),
    counts: new Map(),
    audit: new Map(),
    watchers: new Set(),
  };
}

/**
 * Applies a change and adds its audit record. Whatever can be refused is refused before the change: it is atomic without
 * a rollback.
 */
export function commit<Outcome>(
  database: MemoryDatabase,
  change: ChangeRecord,
  apply: (sequence: number) => Changed<Outcome>,
): Outcome {
  const { position, clients } = database;
  const [caller, managed] = [clients.get(change.clientId ?? ""), clients.get(change.managed?.clientId ?? "")];
  refuseWithdrawn(change, { caller, managed });
  requireNewRecord(database, change);
  const sequence = Math.max(position.sequence + 1, Date.now());
  const { outcome, record } = apply(sequence);
  Object.assign(position, { sequence, time: change.at });
  if (record === undefined) return outcome;
  addRecord(database, record);
  for (const notify of database.watchers) notify();
  return outcome;
}

export function requireNewRecord({ audit }: MemoryDatabase, { id }: AuditRecord): void {
  if (audit.has(id)) throw new MintmarkError("internal_error", { cause: new Error("An audit record has this id") });
}

/** What the authorisation of a change depends on is not part of the audit log. */
export function addRecord({ audit }: MemoryDatabase, change: ChangeRecord): void {
  const { credential: _, rights: __, managed: ___, ...record } = change;
  audit.set(record.id, structuredClone(record));
}

/** Runs a change of which no other server is notified, and adds its audit record where the change is made. */
export function writeWithRecord<Outcome>(
  database: MemoryDatabase,
  record: AuditRecord | undefined,
  change: () => { outcome: Outcome; isChange: boolean },
): Outcome {
  if (record !== undefined) requireNewRecord(database, record);
  const { outcome, isChange } = change();
  if (isChange && record !== undefined) addRecord(database, record);
  return outcome;
}

/** Adds a revocation and ends what it concerns. Returns it as stored. */
export function addRevocation(
  database: MemoryDatabase,
  revoked: NewRevocation,
  change: Omit<RevokedAt, "longestLifetime">,
): Revocation {
  const { revocations, grants, people, position } = database;
  const { kind, id } = revoked;
  const { longestLifetime } = position.settings;
  const known = revocations.get(`${kind} ${id}`);
  const revocation = revocationAfter(known, revoked, { ...change, longestLifetime });
  revocations.set(`${kind} ${id}`, revocation);
  if (kind === "token" || revocation === known) return revocation;
  const member = ({ subject: "subject", client: "clientId", session: "sid" } as const)[kind];
  for (const grant of grants.values())
    if (grant[member] === id || (kind === "session" && grant.signIn === id)) removeGrant(database, grant.sid);
  if (kind === "client") removeWhere(people.codes, ({ clientId }) => clientId === id);
  else endSignIns(people, kind === "session" ? { sid: id } : { subject: id }, change.at);
  return revocation;
}

/** Whether a subject or client was revoked after a position. */
export function wasRevokedSince(
  { revocations }: MemoryDatabase,
  sequence: number,
  { subject, clientId }: { subject: string; clientId?: string },
): boolean {
  const ids = [`subject ${subject}`, ...(clientId === undefined ? [] : [`client ${clientId}`])];
  return ids.some((id) => (revocations.get(id)?.sequence ?? 0) > sequence);
}

export function removeGrant({ grants, refreshTokens }: MemoryDatabase, sid: string): void {
  grants.delete(sid);
  for (const [hash, token] of refreshTokens) if (token.sid === sid) refreshTokens.delete(hash);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
