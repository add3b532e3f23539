import type { StoredKey } from "../keys/key-pair.ts";
import type { Seconds } from "../time.ts";
import type { Revocation } from "../trust/trust-update.ts";
import type { AuditQuery, AuditRecord, ChangeRecord } from "./audit.ts";
import type { Client, ClientSecret } from "./client.ts";
import type { Grant, RefreshRotation } from "./grant.ts";
import type { StoredSettings } from "./settings.ts";

/**
 * Where state lives. Every verb is one transaction: it has happened, durably, when its promise
 * resolves, or not at all. A verb that changes something takes the audit record of the change and
 * writes both or neither. Safe for concurrent use, by several servers too.
 *
 * Text is well-formed Unicode without NUL: what comes from outside is checked before it comes here.
 *
 * Throws `unavailable` where the database cannot be reached or cannot write, and `internal_error` where it can and a
 * statement fails nevertheless.
 */
export type Store = {
  /** Whether other servers may use it, too: what they must know of each other goes through it. */
  readonly shared: boolean;
  /** Which database it is, as OpenTelemetry calls it. */
  readonly system: "sqlite" | "postgresql";

  /** All keys, killed ones included, in the order in which they were added. */
  listKeys(): Promise<StoredKey[]>;
  /**
   * Adds a key behind the one it follows. Where another was added behind that one already, no key is
   * added: the other is activated earlier if it was to sign later than the new one, else all stays as
   * it is. Throws `kek_changed` where the keys that are there were sealed with another key. With `setsAlg`, the algorithm of
   * the key is stored as that of all later ones.
   */
  addKey(
    key: StoredKey,
    record: ChangeRecord,
    options?: { setsAlg?: boolean },
  ): Promise<"added" | "activated" | "present">;
  /**
   * Kills a key for ever and forgets its private half. The last key lives and signs afterwards, by
   * whatever clock: where none is there that could, the replacement is added.
   */
  revokeKey(kid: string, change: KeyRevocation, record: ChangeRecord): Promise<"killed" | "unchanged">;
  /** Replaces the private halves of all living keys, provided that those given are all there are. */
  rewrapKeys(
    keys: readonly Pick<StoredKey, "kid" | "privateJwk">[],
    record: ChangeRecord,
  ): Promise<"resealed" | "changed">;

  findClient(clientId: string): Promise<Client | undefined>;
  /** All clients by name. */
  listClients(): Promise<Client[]>;
  /** Adds a client, unless there is one of its id. */
  addClient(client: Client, record: ChangeRecord): Promise<"added" | "present">;
  /** Replaces the secrets that a client is known by, provided that they are still the ones given. */
  replaceSecrets(clientId: string, change: SecretChange, record: ChangeRecord): Promise<"replaced" | "changed">;
  /** Removes a client and revokes, as by `revoke`, all that was issued to it. */
  removeClient(clientId: string, record: ChangeRecord): Promise<"removed" | "unknown">;

  /** Where the log of changes stands, and the stored settings. */
  position(): Promise<Position>;
  /**
   * Stores the settings that are given; the others stay. The longest lifetime is only raised: then revocations are kept for
   * longer, and the history becomes another one, so that all who follow it learn of that. What is stored for the first
   * time is not recorded.
   */
  changeSettings(change: Partial<StoredSettings>, by: { record: ChangeRecord; isInitial: boolean }): Promise<void>;
  /**
   * Revokes, and ends the sessions it is about. Gives the number of the change that did: a token or a
   * session is revoked once, and of a subject or client anew whatever was issued until now. A revocation is kept until
   * every token that it is about has expired, by the longest lifetime ever stored, and never for a shorter time than before.
   */
  revoke(revocation: NewRevocation, record: ChangeRecord): Promise<number>;
  /** Revocations after a change, in the order of their numbers. None that comes later has a lower one. */
  listRevocations(after: number, limit: number): Promise<Revocation[]>;
  /** Forgets revocations that ceased to matter before a moment: at most `limit`, the oldest first. */
  forgetRevocations(before: Seconds, limit: number): Promise<Pruned>;

  /**
   * Adds a session with its first refresh token, unless its subject or client was revoked after a change:
   * the one that its first access token, which is made already, comes after.
   */
  addGrant(
    session: Grant,
    first: { hash: string; sequence: number },
    record: ChangeRecord,
  ): Promise<"added" | "revoked">;
  /** Finds the session of a refresh token, used ones too, by the token's hash. */
  findGrant(hash: string): Promise<Grant | undefined>;
  /**
   * Uses a refresh token up and puts the next one in its place. `replayed`: it was used within the replay
   * window, and the next one is there. `reused`: it was used earlier, so somebody has a copy of it.
   * `unknown`: there is no such token, or the session has ended. The record is written of the first two.
   */
  rotateRefreshToken(
    sid: string,
    turn: RefreshRotation,
    record: ChangeRecord,
  ): Promise<"rotated" | "replayed" | "reused" | "unknown">;
  /** Forgets sessions that have ended by themselves, with their refresh tokens: at most `limit` of each. */
  pruneGrants(now: Seconds, limit: number): Promise<Pruned>;

  appendAudit(records: readonly AuditRecord[]): Promise<void>;
  /** Newest first. */
  listAudit(query: AuditQuery): Promise<AuditRecord[]>;
  /** Forgets records from before a moment: at most `limit`, the oldest first. */
  pruneAudit(before: Seconds, limit: number): Promise<Pruned>;

  /**
   * Adds to counts that all servers share, each begun at zero and kept until its moment, and gives what they have
   * come to, in their order. Names one at most once. Other servers are not told.
   */
  addToCounts(additions: readonly CountAddition[]): Promise<number[]>;
  /** What counts have come to, in their order: zero where there is none. */
  readCounts(ids: readonly string[]): Promise<number[]>;
  /** Forgets counts whose moment has come: at most `limit`, the oldest first. */
  pruneCounts(now: Seconds, limit: number): Promise<Pruned>;

  /** Writes an audit record of that many bytes and takes it back, in one transaction. Resolves where that could be committed. */
  checkWritable(bytes: number): Promise<void>;

  /** Calls back at intervals, and soon after another process has made a change. Gives the verb that ends it. */
  watch(look: () => void): () => void;
  /** Ends all work. Nothing may be called after it. */
  close(): Promise<void>;
};

/** A place in the log of changes. */
export type Position = {
  /** Which history the numbers belong to. */
  epoch: string;
  /** The number of the latest change, and of the latest one of keys. Milliseconds since 1970, or the next higher number. */
  sequence: number;
  keysSequence: number;
  /** The number of the latest change of what clients there are and which secrets they have. */
  clientsSequence: number;
  /** A moment that is past by another clock than this process's: PostgreSQL's own, else that of the latest change. */
  time: Seconds;
  settings: StoredSettings;
};

/** A revocation before it has its number. `until` is the `exp` of a token; for the other kinds the store settles it. */
export type NewRevocation = Pick<Revocation, "kind" | "id"> & { until?: Seconds };

/** How many things were forgotten, and whether there may be more. */
export type Pruned = { count: number; more: boolean };

export type CountAddition = { id: string; amount: number; until: Seconds };

type KeyRevocation = { now: Seconds; replacement: StoredKey };
type SecretChange = { from: readonly ClientSecret[]; to: readonly ClientSecret[] };
