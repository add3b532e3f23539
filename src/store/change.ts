import type { Kysely, Transaction } from "kysely";
import type { AuditRecord } from "./audit.ts";
import { toAuditRow } from "./rows.ts";
import type { Schema } from "./schema.ts";

export type Tx = Transaction<Schema>;

/** What a change came to, and its record; without one, there was nothing to change. */
export type Changed<Outcome> = { outcome: Outcome; record?: AuditRecord };

/**
 * Runs a change under the one lock that all changes take, the row that numbers them, and writes its
 * record. The lock is held until the commit: so no change is ever seen before one with a lower number.
 */
export type Change = <Outcome>(
  apply: (transaction: Tx, sequence: number) => Promise<Changed<Outcome>>,
) => Promise<Outcome>;

/** Ways to tell other processes of a change: within the transaction that makes it, and when that is done. */
export type Announcer = {
  announce?: ((transaction: Tx) => Promise<unknown>) | undefined;
  tell?: (() => void) | undefined;
};

export function createChange(db: Kysely<Schema>, { announce, tell }: Announcer): Change {
  return async (apply) => {
    const { outcome, record } = await db.transaction().execute(async (transaction) => {
      const { revision } = await transaction
        .updateTable("state")
        .set(({ eb }) => ({ revision: eb("revision", "+", 1) }))
        .returning("revision")
        .executeTakeFirstOrThrow();
      const changed = await apply(transaction, revision);
      if (changed.record === undefined) return changed;
      await transaction.insertInto("audit").values(toAuditRow(changed.record)).execute();
      await announce?.(transaction);
      return changed;
    });
    if (record !== undefined) tell?.();
    return outcome;
  };
}
