import { randomUUID } from "node:crypto";
import { MintmarkError } from "../../errors.ts";
import type { StoredKey } from "../../keys/key-pair.ts";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Seconds } from "../../time.ts";
import type { Revocation } from "../../trust/trust-update.ts";
import type { AuditRecord, ChangeRecord } from "../audit.ts";
import { type Client, hasSecret, haveSameRights } from "../client.ts";
import type { Grant } from "../grant.ts";
import type { NewRevocation, Position } from "../store.ts";

/** A refresh token by its hash. Used ones are retained to detect reuse. */
type RefreshToken = { sid: string; usedAt?: Seconds; usedBy?: string };

/** All state of a service, in the memory of this process. Several stores may share it. */
export type MemoryDatabase = {
  position: Position;
  keys: StoredKey[];
  clients: Map<string, Client>;
  /** By kind and id. */
  revocations: Map<string, Revocation>;
  grants: Map<string, Grant>;
  refreshTokens: Map<string, RefreshToken>;
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
    revocations: new Map(),
    grants: new Map(),
    refreshTokens: new Map(),
    counts: new Map(),
    audit: new Map(),
    watchers: new Set(),
  };
}

/** The outcome of a change, and its audit record. Without a record, nothing was changed. */
export type Changed<Outcome> = { outcome: Outcome; record?: AuditRecord };

/**
 * Applies a change and adds its audit record. Whatever can be refused is refused before the change: it is atomic without
 * a rollback. Throws `invalid_client` where the secret that authenticated the client is no longer valid, and `conflict` where
 * rights that the authorisation depends on have changed since.
 */
export function commit<Outcome>(
  database: MemoryDatabase,
  change: ChangeRecord,
  apply: (sequence: number) => Changed<Outcome>,
): Outcome {
  refuseOutdated(database, change);
  requireNewRecord(database, change);
  const { position } = database;
  const sequence = Math.max(position.sequence + 1, Date.now());
  const { outcome, record } = apply(sequence);
  Object.assign(position, { sequence, time: change.at });
  if (record === undefined) return outcome;
  addRecord(database, record);
  for (const notify of database.watchers) notify();
  return outcome;
}

function refuseOutdated({ clients }: MemoryDatabase, change: ChangeRecord): void {
  const { clientId, secretHash, rights, managed, at } = change;
  if (secretHash !== undefined && clientId !== undefined) {
    const client = clients.get(clientId);
    if (client === undefined || !hasSecret(client.secrets, secretHash, at)) throw new MintmarkError("invalid_client");
    if (rights !== undefined && !haveSameRights(client, rights)) throw new MintmarkError("conflict");
  }
  const client = managed && clients.get(managed.clientId);
  if (client && !haveSameRights(client, managed.rights)) throw new MintmarkError("conflict");
}

export function requireNewRecord({ audit }: MemoryDatabase, { id }: AuditRecord): void {
  if (audit.has(id)) throw new MintmarkError("internal_error", { cause: new Error("An audit record has this id") });
}

/** What the authorisation of a change depends on is not part of the audit log. */
export function addRecord({ audit }: MemoryDatabase, change: ChangeRecord): void {
  const { secretHash: _, rights: __, managed: ___, ...record } = change;
  audit.set(record.id, structuredClone(record));
}

/** Adds a revocation and ends the grants concerned. Never shortens the retention of an earlier one. */
export function addRevocation(
  database: MemoryDatabase,
  { kind, id, until = 0 }: NewRevocation,
  { sequence, at }: { sequence: number; at: Seconds },
): void {
  const { revocations, grants, position } = database;
  const retained = kind === "token" ? 0 : at + position.settings.longestLifetime + MAX_CLOCK_SKEW;
  const earlier = revocations.get(`${kind} ${id}`)?.until ?? 0;
  revocations.set(`${kind} ${id}`, { kind, id, sequence, until: Math.max(until, retained, earlier) });
  if (kind === "token") return;
  const member = ({ subject: "subject", client: "clientId", session: "sid" } as const)[kind];
  for (const grant of grants.values()) if (grant[member] === id) removeGrant(database, grant.sid);
}

export function removeGrant({ grants, refreshTokens }: MemoryDatabase, sid: string): void {
  grants.delete(sid);
  for (const [hash, token] of refreshTokens) if (token.sid === sid) refreshTokens.delete(hash);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Until when a revocation is retained: longer where the longest lifetime was raised since. Its sequence number is its time. */
export function retainedUntil({ position }: MemoryDatabase, { kind, sequence, until }: Revocation): Seconds {
  const { longestLifetime } = position.settings;
  return kind === "token" ? until : Math.max(until, Math.floor(sequence / 1000) + longestLifetime + MAX_CLOCK_SKEW);
}
