import type { StoredKey } from "../keys/key-pair.ts";
import type { Seconds } from "../time.ts";
import type { Revocation } from "../trust/trust-update.ts";
import type { AuditQuery, AuditRecord, ChangeRecord, NamedRecord } from "./audit.ts";
import type { Client, ClientFields, ClientSecret, FoundClient } from "./client.ts";
import type { Grant, GrantQuery, ListedGrant, RefreshRotation } from "./grant.ts";
import type { Pruned } from "./pruned.ts";
import type { Resource } from "./resource.ts";
import type { NewRevocation } from "./revocation.ts";
import type { StoredSettings } from "./settings.ts";
import type { PeopleStore } from "./sign-in-store.ts";

/**
 * Persistent state. Every method is one transaction, durable when its promise resolves. A method that changes state takes
 * the audit record of the change and writes both or neither. Safe for concurrent use, also by several servers.
 *
 * Does not validate text: callers must pass well-formed Unicode without NUL.
 *
 * A change throws `invalid_client` where the secret that authenticated its client has ended, and `conflict` where the rights
 * of that client, or of the client that the change concerns, have changed since the authorisation.
 *
 * Throws `unavailable` where the database cannot be reached or written, and `internal_error` where a statement fails for
 * another reason.
 */
export type Store = PeopleStore & {
  /** Whether other servers may use the database at the same time. They exchange counts through it. */
  readonly shared: boolean;
  /** `db.system.name` of OpenTelemetry. */
  readonly system: "sqlite" | "postgresql" | "memory";

  /** All keys, revoked ones included, in insertion order. */
  listKeys(): Promise<StoredKey[]>;
  /**
   * Adds a key after the one that it follows. Where that key has a successor already, adds none: activates the successor
   * earlier (`activated`) if it was to sign later than the new key, else changes nothing (`present`). Throws `kek_changed`
   * where the stored keys are encrypted with another key-encryption key. `setsAlg` stores the algorithm of the key as that
   * of all later keys.
   */
  addKey(
    key: StoredKey,
    record: ChangeRecord,
    options?: { setsAlg?: boolean },
  ): Promise<"added" | "activated" | "present">;
  /**
   * Revokes a key permanently and deletes its private half. Adds the replacement unless another key can sign from then on,
   * so that one always can, even where clocks of servers differ.
   */
  revokeKey(kid: string, change: KeyRevocation, record: ChangeRecord): Promise<"revoked" | "unchanged">;
  /** Replaces the private halves of all unrevoked keys. Changes nothing where `keys` lacks one of them. */
  rewrapKeys(
    keys: readonly Pick<StoredKey, "kid" | "privateJwk">[],
    record: ChangeRecord,
  ): Promise<"rewrapped" | "changed">;

  findClient(clientId: string): Promise<FoundClient | undefined>;
  /** All clients, sorted by name; or those that an administrator added. */
  listClients(which?: { added: true }): Promise<Client[]>;
  /** Adds a client unless its id exists. */
  addClient(client: Client, record: ChangeRecord): Promise<"added" | "present">;
  /** Replaces the secrets of a client if they still equal `change.from` (compare-and-set). */
  replaceSecrets(clientId: string, change: SecretChange, record: ChangeRecord): Promise<"replaced" | "changed">;
  /** Changes the fields of a client if they still equal `change.from` (compare-and-set). */
  updateClient(clientId: string, change: ClientChange, record: ChangeRecord): Promise<"updated" | "changed">;
  /** Stores when clients were last used, unless a later time is stored. Ignores unknown clients; notifies no server. */
  recordUses(uses: readonly ClientUse[]): Promise<void>;
  /** Removes a client with its consents, requests and notices, and revokes all tokens issued to it, as `revoke` does. */
  removeClient(clientId: string, record: ChangeRecord): Promise<"removed" | "unknown">;

  /** Adds a resource unless its audience exists. */
  addResource(resource: Resource, record: ChangeRecord): Promise<"added" | "present">;
  /** Removes a resource. Revokes no token, and ends no grant. */
  removeResource(audience: string, record: ChangeRecord): Promise<"removed" | "unknown">;
  /** All resources, sorted by name. */
  listResources(): Promise<Resource[]>;
  /** The resources with one of these audiences, each once, in any order. */
  findResources(audiences: readonly string[]): Promise<Resource[]>;

  /** The position of the change log, and the stored settings. */
  position(): Promise<Position>;
  /**
   * Stores the given settings and leaves the others. Only ever raises the longest lifetime: that extends the retention of
   * revocations and changes the epoch, so that followers fetch a new snapshot. Settings stored for the first time
   * (`isInitial`) are not audited.
   */
  changeSettings(change: Partial<StoredSettings>, by: { record: ChangeRecord; isInitial: boolean }): Promise<void>;
  /**
   * Revokes a token, a grant or sign-in session, or all tokens issued so far to a subject or client. Deletes the grants,
   * sign-in sessions and codes concerned, and makes the logout notices of the sessions due. Returns the sequence number of
   * the revocation: for a token, grant or session that was revoked before, the first one. A revocation is retained until all
   * tokens concerned have expired by the longest lifetime ever stored. Its retention is never shortened.
   */
  revoke(revocation: NewRevocation, record: ChangeRecord): Promise<number>;
  /** Revocations with a sequence number above `after`, in ascending order. Later revocations never get a lower number. */
  listRevocations(after: number, limit: number): Promise<Revocation[]>;
  /** The revocations of tokens, subjects, clients and grants that were revoked. */
  findRevocations(of: readonly Pick<Revocation, "kind" | "id">[]): Promise<Revocation[]>;
  /** Deletes revocations whose retention ended before a moment: at most `limit`, oldest first. */
  forgetRevocations(before: Seconds, limit: number): Promise<Pruned>;

  /**
   * Adds a grant with its first refresh token, unless its subject or client was revoked after `first.sequence`: the
   * position at which its first access token was prepared.
   */
  addGrant(grant: Grant, first: { hash: string; sequence: number }, record: ChangeRecord): Promise<"added" | "revoked">;
  /** Finds the grant of a refresh token, used or not, by the hash of the token. */
  findGrant(hash: string): Promise<Grant | undefined>;
  /** Finds a grant by its `sid`. */
  findGrantBySid(sid: string): Promise<Grant | undefined>;
  /** The grants of a subject that have not ended, newest first. */
  listGrants(query: GrantQuery): Promise<ListedGrant[]>;
  /**
   * Consumes a refresh token and stores its successor (`rotated`). `replayed`: the token was used within the replay window.
   * `reused`: it was used before that, so it has been copied (RFC 9700 §4.14.2). `unknown`: no such token, or the grant has
   * ended. Only `rotated` and `replayed` are audited.
   */
  rotateRefreshToken(
    sid: string,
    rotation: RefreshRotation,
    record: ChangeRecord,
  ): Promise<"rotated" | "replayed" | "reused" | "unknown">;
  /** Deletes expired grants with their refresh tokens: at most `limit` of each. */
  pruneGrants(now: Seconds, limit: number): Promise<Pruned>;

  appendAudit(records: readonly AuditRecord[]): Promise<void>;
  /** Newest first, each with the current name of its client. */
  listAudit(query: AuditQuery): Promise<NamedRecord[]>;
  /** The first 10 records of allowed operations on a token, oldest first: its issuance, and its revocations. */
  findTokenRecords(jti: string): Promise<NamedRecord[]>;
  /** Deletes records from before a moment: at most `limit`, oldest first. */
  pruneAudit(before: Seconds, limit: number): Promise<Pruned>;

  /**
   * Adds to shared counts, which start at zero and are retained until `until`. Returns the totals in the order of the
   * additions, whose ids must be distinct. Does not notify other servers.
   */
  addToCounts(additions: readonly CountAddition[]): Promise<number[]>;
  /** The totals of counts in the order of `ids`; zero for an unknown id. */
  readCounts(ids: readonly string[]): Promise<number[]>;
  /** Deletes counts whose `until` has passed: at most `limit`, oldest first. */
  pruneCounts(now: Seconds, limit: number): Promise<Pruned>;

  /** Inserts and deletes an audit record of that many bytes in one transaction. Rejects where that cannot be committed. */
  checkWritable(bytes: number): Promise<void>;

  /** Calls back every second, and soon after a change by another process. Returns the function that unsubscribes. */
  watch(onChange: () => void): () => void;
  /** Closes the database. No method may be called afterwards. */
  close(): Promise<void>;
};

/** A position in the change log. */
export type Position = {
  /** Identifies the history that the sequence numbers belong to. Changes after a restore. */
  epoch: string;
  /** Sequence numbers of the latest change and of the latest change of keys: Unix time in milliseconds, or the next higher number. */
  sequence: number;
  keysSequence: number;
  /** Sequence number of the latest removal of a client, change of its secrets or fields, or addition of a public one; not of one that introduced itself. */
  clientsSequence: number;
  /** The time of PostgreSQL's clock; with SQLite, the time of the latest change by the clock of the server that made it. */
  time: Seconds;
  settings: StoredSettings;
};

export type CountAddition = { id: string; amount: number; until: Seconds };

type ClientUse = { clientId: string; at: Seconds };

type KeyRevocation = { now: Seconds; replacement: StoredKey };
type ClientChange = { from: ClientFields; to: ClientFields };
type SecretChange = { from: readonly ClientSecret[]; to: readonly ClientSecret[] };
