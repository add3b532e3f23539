import type { Seconds } from "../time.ts";

/** Who did what, when, and whether it was allowed. Never holds a token or a secret. */
export type AuditRecord = {
  /** Orders records by time, and is unique. */
  id: string;
  at: Seconds;
  /** The client that did it, or as which an unknown caller came. */
  clientId?: string | undefined;
  action: string;
  outcome: "allowed" | "refused";
  /** Why it was refused: a reason of the catalogue. */
  reason?: string | undefined;
  /** The token's `sub` and `jti`, the key's `kid`, the client it was done to. */
  subject?: string | undefined;
  jti?: string | undefined;
  kid?: string | undefined;
  target?: string | undefined;
  /** Where unknown callers came from, and how many times within the minute. */
  address?: string | undefined;
  count?: number | undefined;
};

/** The record of a change. */
export type ChangeRecord = AuditRecord & {
  /** Of a client in the store, the hash of the secret it came by. The change checks, under its lock, that this still counts. */
  secretHash?: string | undefined;
};

export type AuditQuery = {
  clientId?: string | undefined;
  action?: string | undefined;
  outcome?: AuditRecord["outcome"] | undefined;
  /** Not before, and before. */
  from?: Seconds | undefined;
  to?: Seconds | undefined;
  /** Only records older than the one with this id: the way to the next page. */
  before?: string | undefined;
  limit: number;
};
