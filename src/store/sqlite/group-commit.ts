import { setImmediate as endOfTurn } from "node:timers/promises";
import { CompiledQuery, type Kysely } from "kysely";
import type { Transact, Tx } from "../sql/commit.ts";
import type { Schema } from "../sql/schema.ts";
import { execute } from "../sql/statement.ts";

/** A change that waits for its commit. */
type Change = {
  work: (transaction: Tx) => Promise<unknown>;
  resolve: (outcome: unknown) => void;
  reject: (cause: unknown) => void;
};

type Transactions = Pick<Kysely<Schema>, "transaction">;

/** Changes in one commit. Others wait for the lock meanwhile: other processes, and this event loop. */
const MAX_GROUP = 32;

/**
 * Makes the function that runs changes of the same turn of the event loop in one transaction: a commit, with its sync to
 * the disk, takes longer than most changes. Each change has a savepoint of its own, so one that fails is undone alone. Each
 * resolves after the commit.
 */
export function createGroupCommit(db: Transactions, isInTransaction: () => boolean): Transact {
  let waiting: Change[] = [];
  let isRunning = false;

  async function runAll(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      // The driver is synchronous: without a turn, no other request of this turn could come in.
      await endOfTurn();
      const group = waiting.slice(0, MAX_GROUP);
      waiting = waiting.slice(MAX_GROUP);
      await commitGroup(db, group, isInTransaction);
    }
    isRunning = false;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      waiting.push({ work, resolve: resolve as Change["resolve"], reject });
      if (!isRunning) void runAll();
    });
}

/** Resolves always. What fails rejects its change: its own error that change, that of the transaction all. */
async function commitGroup(db: Transactions, group: readonly Change[], isInTransaction: () => boolean): Promise<void> {
  const [first, ...others] = group;
  if (first === undefined) return;
  const ends: (() => void)[] = [];
  try {
    await db.transaction().execute(async (transaction) => {
      if (others.length === 0) ends.push(await runAlone(transaction, first));
      else for (const change of group) ends.push(await runChange(transaction, change, isInTransaction));
    });
  } catch (cause) {
    for (const { reject } of group) reject(cause);
    return;
  }
  for (const end of ends) end();
}

async function runAlone(transaction: Tx, { work, resolve }: Change): Promise<() => void> {
  const outcome = await work(transaction);
  return () => resolve(outcome);
}

const SAVEPOINT = CompiledQuery.raw("savepoint change");
const RELEASE = CompiledQuery.raw("release change");
const UNDO = CompiledQuery.raw("rollback to change");

/** Runs one change of several, and returns how to end it after the commit. Throws where SQLite has ended the transaction. */
async function runChange(
  transaction: Tx,
  { work, resolve, reject }: Change,
  isInTransaction: () => boolean,
): Promise<() => void> {
  await execute(transaction, SAVEPOINT);
  try {
    const outcome = await work(transaction);
    await execute(transaction, RELEASE);
    return () => resolve(outcome);
  } catch (cause) {
    // On a full disk or an I/O error, SQLite rolls back everything. What follows would commit alone.
    if (!isInTransaction()) throw cause;
    await execute(transaction, UNDO);
    await execute(transaction, RELEASE);
    return () => reject(cause);
  }
}
