import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import { MintmarkError } from "../../errors.ts";
import type { AuditRecord, ChangeRecord } from "../audit.ts";
import { type ClientSecret, hasSecret } from "../client.ts";
import { toAuditRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";

export type Tx = Transaction<Schema>;

/** The outcome of a change and its audit record; without a record, nothing was changed. */
export type Changed<Outcome> = { outcome: Outcome; record?: AuditRecord };

/** The number of a change, and the stored settings under which it is made. */
export type ChangeState = { sequence: number; longestLifetime: number };

/**
 * Runs a change under the one lock that all changes take, the row that numbers them, and writes its
 * record. The lock is held until the commit, so no change is visible before one with a lower number.
 * Throws `invalid_client` where the client that makes the change was removed meanwhile, or its secret has ended.
 */
export type Commit = <Outcome>(
  record: ChangeRecord,
  apply: (transaction: Tx, state: ChangeState) => Promise<Changed<Outcome>>,
) => Promise<Outcome>;

/** Ways to notify other processes of a change: within the transaction that makes it, and after its commit. */
export type Notifier = {
  notifyWithin?: ((transaction: Tx) => Promise<unknown>) | undefined;
  notifyPeers?: (() => void) | undefined;
  /** Milliseconds since 1970 by the clock of the database, where it has one that all servers share. Default: this machine's. */
  milliseconds?: RawBuilder<number> | undefined;
};

export function createCommit(db: Kysely<Schema>, { notifyWithin, notifyPeers, milliseconds }: Notifier): Commit {
  return async (attempt, apply) => {
    const { outcome, record } = await db.transaction().execute(async (transaction) => {
      const { revision, longest_lifetime } = await nextSequence(transaction, attempt, milliseconds);
      await refuseEndedSecret(transaction, attempt);
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
 * Numbers are milliseconds since 1970, and always higher than the one before. So after a restore from a backup, the next
 * change has a higher number than all that were given out since the backup was made: a token that was issued in between
 * carries such a number, and is still older than its revocation.
 */
function nextSequence(transaction: Tx, { at }: AuditRecord, milliseconds?: RawBuilder<number>) {
  const now = milliseconds ?? sql<number>`${Date.now()}`;
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
 * The client was authenticated before the change got its lock, perhaps by a secret that counts no more. A removal and a new
 * secret take the same lock, so this is the last word.
 */
async function refuseEndedSecret(transaction: Tx, { clientId, secretHash, at }: ChangeRecord): Promise<void> {
  if (secretHash === undefined || clientId === undefined) return;
  const client = await transaction
    .selectFrom("clients")
    .select("secrets")
    .where("client_id", "=", clientId)
    .executeTakeFirst();
  const secrets: ClientSecret[] = JSON.parse(client?.secrets ?? "[]");
  if (!hasSecret(secrets, secretHash, at)) throw new MintmarkError("invalid_client");
}
