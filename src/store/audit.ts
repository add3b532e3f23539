import { MintmarkError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { type Client, type ClientRights, hasCredential, haveSameRights } from "./client.ts";

/** Who did what, when, and whether it was allowed. Never holds a token or a secret. */
export type AuditRecord = {
  /** Unique; sorts by time. */
  id: string;
  at: Seconds;
  /** The authenticated client, or the client id that an unauthenticated caller presented. */
  clientId?: string | undefined;
  action: string;
  outcome: "allowed" | "refused";
  /** A reason of the error catalogue, where the outcome is `refused`. */
  reason?: string | undefined;
  /** The token's `sub` and `jti`, the key's `kid`; the client, resource or grant that was changed, or the grant of an issued token. */
  subject?: string | undefined;
  jti?: string | undefined;
  kid?: string | undefined;
  target?: string | undefined;
  /** The `exp` of an issued token. */
  expiresAt?: Seconds | undefined;
  /** The fields of the client that the change concerns. */
  fields?: readonly string[] | undefined;
  /** Address of unauthenticated callers, and how many were refused within the minute. */
  address?: string | undefined;
  count?: number | undefined;
};

/** A record as listed: with the current name of its client, unless that was removed. */
export type NamedRecord = AuditRecord & { clientName?: string | undefined };

/** The audit record of a change. The change checks under its lock what authorised it. */
export type ChangeRecord = AuditRecord & {
  /** The credential that authenticated the client, which it must still have; see `hasCredential`. */
  credential?: string | undefined;
  /** The rights of the client at its authorisation, which must be unchanged. */
  rights?: ClientRights | undefined;
  /** The client that the change concerns, and its rights at the authorisation, which must be unchanged. */
  managed?: { clientId: string; rights: ClientRights } | undefined;
};

/** The outcome of a change and its audit record. Without a record, nothing was changed. */
export type Changed<Outcome> = { outcome: Outcome; record?: AuditRecord | undefined };

/**
 * Throws `invalid_client` where the caller was removed since its authentication, or its secret is no longer valid; `conflict`
 * where rights that the authorisation depends on have changed since. `found` is as stored.
 */
export function refuseWithdrawn(
  change: ChangeRecord,
  found: { caller: Client | undefined; managed: Client | undefined },
): void {
  const { clientId, credential, rights, managed, at } = change;
  if (clientId !== undefined && credential !== undefined) {
    const { caller } = found;
    if (caller === undefined || !hasCredential(caller, credential, at)) throw new MintmarkError("invalid_client");
    if (rights !== undefined && !haveSameRights(caller, rights)) throw new MintmarkError("conflict");
  }
  if (managed && found.managed && !haveSameRights(found.managed, managed.rights)) throw new MintmarkError("conflict");
}

export type AuditQuery = {
  clientId?: string | undefined;
  action?: string | undefined;
  outcome?: AuditRecord["outcome"] | undefined;
  /** `from` is inclusive, `to` exclusive. */
  from?: Seconds | undefined;
  to?: Seconds | undefined;
  /** Only records older than the one with this id (pagination). */
  before?: string | undefined;
  limit: number;
};
