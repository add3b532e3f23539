import { type Insertable, type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { Milliseconds, Seconds } from "../../time.ts";
import { type AuditRecord, type Changed, type ChangeRecord, refuseWithdrawn } from "../audit.ts";
import type { Client } from "../client.ts";
import { toAuditRow } from "./audit-mappers.ts";
import { fromClientRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";
import { ONE, onlyRow, statement } from "./statement.ts";

export type Tx = Transaction<Schema>;

/** Runs work in a transaction, and resolves with its outcome after the commit. Rejects where nothing of it is stored. */
export type Transact = <Outcome>(work: (transaction: Tx) => Promise<Outcome>) => Promise<Outcome>;

/** The sequence number of a change, and the stored longest token lifetime. */
type ChangeState = { sequence: number; longestLifetime: number };

/**
 * Runs a change and writes its audit record, under the lock of the state row. The lock is held until the commit, so changes
 * become visible in the order of their sequence numbers. Throws what {@link refuseWithdrawn} does.
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

export function createCommit(transact: Transact, { notifyWithin, notifyPeers, milliseconds }: Notifier): Commit {
  const nextSequence = createNextSequence(milliseconds);
  return async (change, apply) => {
    const { outcome, record } = await transact(async (transaction) => {
      const state = await nextSequence(transaction, change);
      await refuseOutdated(transaction, change);
      const changed = await apply(transaction, state);
      if (changed.record === undefined) return changed;
      await insertAudit(transaction, toAuditRow(changed.record));
      await notifyWithin?.(transaction);
      return changed;
    });
    if (record !== undefined) notifyPeers?.();
    return outcome;
  };
}

/** Runs a change of which no other server is notified, and writes its audit record if there is one: in one transaction. */
export function writeWithRecord<Outcome>(
  db: Kysely<Schema>,
  apply: (transaction: Tx) => Promise<Changed<Outcome>>,
): Promise<Outcome> {
  return db.transaction().execute(async (transaction) => {
    const { outcome, record } = await apply(transaction);
    if (record !== undefined) await insertAudit(transaction, toAuditRow(record));
    return outcome;
  });
}

/** Writes an audit record. */
export const insertAudit = statement((db, row: Insertable<Schema["audit"]>) => db.insertInto("audit").values(row));

/**
 * Sequence numbers are Unix milliseconds, and strictly increase. So after a restore from a backup, new numbers are higher
 * than those in tokens that were issued since the backup: a revocation still covers these tokens.
 */
function createNextSequence(milliseconds: RawBuilder<Milliseconds> | undefined) {
  const update = statement((db, { at, time }: { at: Seconds; time: Milliseconds }) => {
    const now = milliseconds ?? sql<Milliseconds>`${time}`;
    return db
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
      .returning(["revision as sequence", "longest_lifetime as longestLifetime"]);
  });
  return async (transaction: Tx, { at }: AuditRecord): Promise<ChangeState> =>
    onlyRow(await update(transaction, { at, time: Date.now() }));
}

/** Under the lock that all changes of clients take, so this check is final. */
async function refuseOutdated(transaction: Tx, change: ChangeRecord): Promise<void> {
  const find = (clientId?: string) => (clientId === undefined ? undefined : findClient(transaction, clientId));
  const caller = await find(change.credential && change.clientId);
  refuseWithdrawn(change, { caller, managed: await find(change.managed?.clientId) });
}

export async function findClient(transaction: Tx, clientId: string): Promise<Client | undefined> {
  const [row] = (await selectClient(transaction, { clientId })).rows;
  return row && fromClientRow(row);
}

const selectClient = statement((db, { clientId }: { clientId: string }) =>
  db.selectFrom("clients").selectAll().where("client_id", "=", clientId).limit(ONE),
);
