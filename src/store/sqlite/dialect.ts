import { setTimeout as sleep } from "node:timers/promises";
import { CompiledQuery, type DatabaseConnection, type Dialect, type QueryResult, SqliteDialect } from "kysely";
import type Database from "libsql";
import type { Milliseconds } from "../../time.ts";
import type { ExecuteNow } from "../sql/statement.ts";
import { errorCode } from "./data-directory.ts";

/** Backoff between attempts. Other processes mostly hold the lock for the duration of a commit. */
const FIRST_WAIT_MS: Milliseconds = 1;
const MAX_WAIT_MS: Milliseconds = 50;

/** Executes a query at once: the driver is synchronous. */
type Execute = <Row>(query: CompiledQuery<Row>) => QueryResult<Row>;

/**
 * Creates Kysely's dialect for an open database, which must have a busy timeout of 0: the driver is synchronous, so a
 * statement that waits for a lock would block the event loop. A transaction takes the write lock at its begin, so
 * SQLITE_BUSY occurs before it has changed anything, or not at all. A statement that changes rows runs in one, too.
 */
export function createSqliteDialect(database: Database.Database, close: () => Promise<void>): SqliteAtOnce {
  const prepare = cachePrepared(database);
  const plain = new SqliteDialect({ database: { prepare, close: () => {} } });
  let writes = 0;
  const commit = () => {
    prepare("commit").run([]);
    writes += 1;
  };
  const count = (rows: number) => {
    writes += rows;
  };
  const execute = createExecute(database, { prepare, commit, count });
  const run = async (sql: string) => void execute(CompiledQuery.raw(sql));
  const connection: DatabaseConnection = {
    executeQuery: async (query) => execute<never>(query),
    streamQuery: () => {
      throw new Error("Rows are read at once");
    },
  };
  return {
    writes: () => writes,
    executeNow: (query, isWithin) => {
      const isFree = database.open && (isWithin || !database.inTransaction);
      return isFree ? execute(query) : undefined;
    },
    createAdapter: () => plain.createAdapter(),
    createQueryCompiler: () => plain.createQueryCompiler(),
    createIntrospector: (db) => plain.createIntrospector(db),
    createDriver() {
      const driver = plain.createDriver();
      return {
        init: () => driver.init(),
        // Kysely's driver has the queue of the one connection.
        acquireConnection: () => driver.acquireConnection().then(() => connection),
        releaseConnection: () => driver.releaseConnection(connection),
        beginTransaction: (_, { accessMode }) => run(accessMode === "read only" ? "begin" : "begin immediate"),
        commitTransaction: async () => commit(),
        async rollbackTransaction() {
          // SQLite rolls back by itself on a full disk or an I/O error.
          if (database.inTransaction) await run("rollback");
        },
        destroy: close,
      };
    },
  };
}

/** The dialect, what executes statements without the queue of the connection, and the number of changed rows and commits so far. */
type SqliteAtOnce = Dialect & { executeNow: ExecuteNow; writes: () => number };

/**
 * The driver does not reset a statement that got SQLITE_BUSY. One that had read rows would go on reading: then no later
 * transaction of the connection could commit. So the lock is taken before a statement reads.
 */
function createExecute(
  database: Database.Database,
  { prepare, commit, count }: { prepare: (sql: string) => Prepared; commit: () => void; count: (rows: number) => void },
): Execute {
  const execute: Execute = ({ sql, parameters }) => {
    const statement = prepare(sql);
    if (statement.reader) return { rows: statement.all(parameters) as never[] };
    const { changes } = statement.run(parameters);
    count(changes);
    return { rows: [], numAffectedRows: BigInt(changes) };
  };
  const run = (sql: string) => prepare(sql).run([]);
  return (query) => {
    if (database.inTransaction || !WRITE.test(query.sql)) return execute(query);
    run("begin immediate");
    try {
      const outcome = execute(query);
      commit();
      return outcome;
    } catch (cause) {
      if (database.inTransaction) run("rollback");
      throw cause;
    }
  };
}

const WRITE = /^\s*(insert|update|delete)\b/i;

/**
 * Retries work while another process holds the lock, for at most `limitMs`. The connection is free between attempts. The
 * work must be a single statement or transaction.
 */
export async function whileBusy<Outcome>(work: () => Promise<Outcome>, limitMs: Milliseconds): Promise<Outcome> {
  const until = performance.now() + limitMs;
  for (let wait: Milliseconds = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MAX_WAIT_MS)) {
    try {
      return await work();
    } catch (cause) {
      if (!errorCode(cause).startsWith("SQLITE_BUSY") || performance.now() + wait > until) throw cause;
    }
    await sleep(wait);
  }
}

/** Cached statements. Lists of values have a text of their own for each length. */
const MAX_PREPARED = 200;

type Prepared = Pick<Database.Statement, "reader" | "all" | "run" | "iterate">;

/** Prepares each statement once: preparing takes longer than running most of them. */
function cachePrepared(database: Database.Database): (sql: string) => Prepared {
  const prepared = new Map<string, Prepared>();
  return (sql) => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    const statement = BEGIN.test(sql) ? asExecuted(database, sql) : asPrepared(database.prepare(sql), sql);
    prepared.set(sql, statement);
    return statement;
  };
}

const BEGIN = /^begin\b/;

/**
 * The driver does not reset a prepared statement that got SQLITE_BUSY, and SQLite takes it for a reader that goes on: all later
 * reads of the connection would see the database as it was then. `exec` retains no statement.
 */
function asExecuted(database: Database.Database, sql: string): Prepared {
  const run = () => {
    database.exec(sql);
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { reader: false, run, all: () => [], iterate: () => [].values() };
}

/** `reader` is read for each query, and asks SQLite each time. */
function asPrepared(statement: Database.Statement, sql: string): Prepared {
  const { reader } = statement;
  const all: Prepared["all"] = reader ? allOf(statement, ONE.test(sql)) : () => [];
  return {
    reader,
    all,
    run: (parameters) => statement.run(parameters),
    iterate: (parameters) => all(parameters).values(),
  };
}

const ONE = /\blimit 1$/;

/** Reads rows as arrays: for each row read as an object, the driver creates the names of all columns. */
function allOf(statement: Database.Statement, isOne: boolean): Prepared["all"] {
  statement.raw(true);
  let names = namesOf(statement);
  const asObject = (values: unknown[]) => {
    // The table has changed: `*` stands for more columns.
    if (values.length !== names.length) names = namesOf(statement);
    return Object.fromEntries(names.map((name, at) => [name, values[at]]));
  };
  return (parameters) => {
    if (!isOne) return (statement.all(parameters) as unknown[][]).map(asObject);
    const row = statement.get(parameters) as unknown[] | undefined;
    return row === undefined ? [] : [asObject(row)];
  };
}

function namesOf(statement: Database.Statement): string[] {
  return statement.columns().map(({ name }) => name);
}
