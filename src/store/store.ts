import type { StoredKey } from "../keys/key-pair.ts";
import type { Seconds } from "../time.ts";
import type { AuditQuery, AuditRecord } from "./audit.ts";
import type { Client, ClientSecret } from "./client.ts";

/**
 * Where state lives. Every verb is one transaction: it has happened, durably, when its promise
 * resolves, or not at all. A verb that changes something takes the audit record of the change and
 * writes both or neither. Safe for concurrent use, by several servers too.
 *
 * Text is well-formed Unicode without NUL: what comes from outside is checked before it comes here.
 *
 * Throws `unavailable` where the database cannot be reached or cannot write.
 */
export type Store = {
  /** All keys, killed ones included, in the order in which they were added. */
  listKeys(): Promise<StoredKey[]>;
  /**
   * Adds a key behind the one it follows. Where another was added behind that one already, no key is
   * added: the other is activated earlier if it was to sign later than the new one, else all stays as
   * it is. Throws `kek_changed` where the keys that are there were sealed with another key.
   */
  addKey(key: StoredKey, record: AuditRecord): Promise<"added" | "activated" | "present">;
  /**
   * Kills a key for ever and forgets its private half. The last key lives and signs afterwards, by
   * whatever clock: where none is there that could, the replacement is added.
   */
  killKey(kid: string, change: KeyKill, record: AuditRecord): Promise<"killed" | "unchanged">;
  /** Replaces the private halves of all living keys, provided that those given are all there are. */
  resealKeys(
    keys: readonly Pick<StoredKey, "kid" | "privateJwk">[],
    record: AuditRecord,
  ): Promise<"resealed" | "changed">;

  findClient(clientId: string): Promise<Client | undefined>;
  /** All clients by name. */
  listClients(): Promise<Client[]>;
  /** Adds a client, unless there is one of its id. */
  addClient(client: Client, record: AuditRecord): Promise<"added" | "present">;
  /** Replaces the secrets that a client is known by, provided that they are still the ones given. */
  replaceSecrets(clientId: string, change: SecretChange, record: AuditRecord): Promise<"replaced" | "changed">;
  removeClient(clientId: string, record: AuditRecord): Promise<"removed" | "unknown">;

  appendAudit(records: readonly AuditRecord[]): Promise<void>;
  /** Newest first. */
  listAudit(query: AuditQuery): Promise<AuditRecord[]>;
  /** Forgets records from before a moment; says how many. */
  pruneAudit(before: Seconds): Promise<number>;

  /** A number that grows with every change of keys or clients. */
  revision(): Promise<number>;
  /** Calls back soon after another process has changed keys or clients. Gives the verb that ends it. */
  watch(changed: () => void): () => void;
  /** Ends all work. Nothing may be called after it. */
  close(): Promise<void>;
};

type KeyKill = { now: Seconds; replacement: StoredKey };
type SecretChange = { from: readonly ClientSecret[]; to: readonly ClientSecret[] };
