import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import { MintmarkError } from "../../errors.ts";
import type { Milliseconds } from "../../time.ts";
import type { AuditRecord, ChangeRecord } from "../audit.ts";
import { type Client, hasSecret, haveSameRights } from "../client.ts";
import { fromClientRow, toAuditRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";

export type Tx = Transaction<Schema>;

/** The outcome of a change and its audit record. Without a record, nothing was changed. */
export type Changed<Outcome> = { outcome: Outcome; record?: AuditRecord };

/** The sequence number of a change, and the stored longest token lifetime. */
export type ChangeState = { sequence: number; longestLifetime: number };

/**
 * Runs a change and writes its audit record, under the lock of the state row. The lock is held until the commit, so changes
 * become visible in the order of their sequence numbers. Throws `invalid_client` where the client was removed since its
 * authentication, or its secret is no longer valid; `conflict` where rights that the authorisation depends on have changed since.
 */
export type Commit = <Outcome>(
  record: ChangeRecord,
  apply: (transaction: Tx, state: ChangeState) => Promise<Changed<Outcome>>,
) => Promise<Outcome>;

/** Notifies other processes of a change: within its transaction, or after its commit. */
export type Notifier = {
  notifyWithin?: ((transaction: Tx) => Promise<unknown>) | undefined;
  notifyPeers?: (() => void) | undefined;
  /** Unix time in milliseconds by the database's clock, which all servers share. Default: the clock of this machine. */
  milliseconds?: RawBuilder<Milliseconds> | undefined;
};

export function createCommit(db: Kysely<Schema>, { notifyWithin, notifyPeers, milliseconds }: Notifier): Commit {
  return async (change, apply) => {
    const { outcome, record } = await db.transaction().execute(async (transaction) => {
      const { revision, longest_lifetime } = await nextSequence(transaction, change, milliseconds);
      await refuseOutdated(transaction, change);
      const changed = await apply(transaction, { sequence: revision, longestLifetime: longest_lifetime });
      if (changed.record === undefined) return changed;
      await transaction.insertInto("audit").values(toAuditRow(changed.record)).execute();
      await notifyWithin?.(transaction);
      return changed;
    });
    if (record !== undefined) notifyPeers?.();
    return outcome;
  };
}

/**
 * Sequence numbers are Unix milliseconds, and strictly increase. So after a restore from a backup, new numbers are higher
 * than those in tokens that were issued since the backup: a revocation still covers these tokens.
 */
function nextSequence(transaction: Tx, { at }: AuditRecord, milliseconds?: RawBuilder<Milliseconds>) {
  const now = milliseconds ?? sql<Milliseconds>`${Date.now()}`;
  return transaction
    .updateTable("state")
    .set(({ eb }) => ({
      revision: eb
        .case()
        .when("revision", "<", now)
        .then(now)
        .else(eb("revision", "+", 1))
        .end(),
      changed_at: at,
    }))
    .returning(["revision", "longest_lifetime"])
    .executeTakeFirstOrThrow();
}

/**
 * The change was authorised before it got the lock; a secret may have ended since, or rights may have changed.
 * All changes of clients take the same lock, so this check is final.
 */
async function refuseOutdated(transaction: Tx, change: ChangeRecord): Promise<void> {
  const { clientId, secretHash, rights, managed, at } = change;
  if (secretHash !== undefined && clientId !== undefined) {
    const client = await findClient(transaction, clientId);
    if (client === undefined || !hasSecret(client.secrets, secretHash, at)) throw new MintmarkError("invalid_client");
    if (rights !== undefined && !haveSameRights(client, rights)) throw new MintmarkError("conflict");
  }
  if (managed === undefined) return;
  const client = await findClient(transaction, managed.clientId);
  if (client !== undefined && !haveSameRights(client, managed.rights)) throw new MintmarkError("conflict");
}

async function findClient(transaction: Tx, clientId: string): Promise<Client | undefined> {
  const row = await transaction.selectFrom("clients").selectAll().where("client_id", "=", clientId).executeTakeFirst();
  return row && fromClientRow(row);
}
