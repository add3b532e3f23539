import { setTimeout as sleep } from "node:timers/promises";
import { CompiledQuery, type Dialect, SqliteDialect } from "kysely";
import type Database from "libsql";
import { errorCode } from "./data-directory.ts";

/** Waits between attempts, in milliseconds. A neighbour holds the lock for the length of a commit, mostly. */
const FIRST_WAIT = 1;
const LONGEST_WAIT = 50;

/**
 * Makes Kysely's dialect of an open database. The driver is synchronous, so a statement that waited for a lock would stop
 * the event loop: the database must have a busy timeout of 0. A transaction takes the write lock as it begins, so it fails
 * with SQLITE_BUSY before it has done anything, or not at all.
 */
export function createSqliteDialect(database: Database.Database, close: () => Promise<void>): Dialect {
  const plain = new SqliteDialect({ database: { prepare: keepPrepared(database), close: () => {} } });
  return {
    createAdapter: () => plain.createAdapter(),
    createQueryCompiler: () => plain.createQueryCompiler(),
    createIntrospector: (db) => plain.createIntrospector(db),
    createDriver() {
      const driver = plain.createDriver();
      return {
        init: () => driver.init(),
        acquireConnection: () => driver.acquireConnection(),
        releaseConnection: (connection) => driver.releaseConnection(connection),
        async beginTransaction(connection, { accessMode }) {
          const begin = accessMode === "read only" ? "begin" : "begin immediate";
          await connection.executeQuery(CompiledQuery.raw(begin));
        },
        commitTransaction: (connection) => driver.commitTransaction(connection),
        async rollbackTransaction(connection) {
          // SQLite has rolled back by itself where the disk is full or cannot be read.
          if (database.inTransaction) await driver.rollbackTransaction(connection);
        },
        destroy: close,
      };
    },
  };
}

/**
 * Runs work again while another process holds the lock, for at most `limit` milliseconds. Nothing waits behind it: the
 * connection is free between two attempts. The work must be a single statement or transaction.
 */
export async function whileBusy<Outcome>(work: () => Promise<Outcome>, limit: number): Promise<Outcome> {
  const until = performance.now() + limit;
  for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await work();
    } catch (cause) {
      if (!errorCode(cause).startsWith("SQLITE_BUSY") || performance.now() + wait > until) throw cause;
    }
    await sleep(wait);
  }
}

/** Statements that are kept. Their texts are few, but for lists of values, which there is one of for each length. */
const MAX_PREPARED = 200;

/** Prepares each statement once. To do so again takes longer than to run most of them. */
function keepPrepared(database: Database.Database): (sql: string) => Database.Statement {
  const prepared = new Map<string, Database.Statement>();
  return (sql) => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
}
