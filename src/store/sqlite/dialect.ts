import { CompiledQuery, type DatabaseConnection, type Dialect, type QueryResult, SqliteDialect } from "kysely";
import type Database from "libsql";
import type { ExecuteNow } from "../sql/statement.ts";
import { createPrepare, type Prepared } from "./prepared.ts";

/** Executes a query at once: the driver is synchronous. */
type Execute = <Row>(query: CompiledQuery<Row>) => QueryResult<Row>;

/**
 * Creates Kysely's dialect for an open database, which must have a busy timeout of 0: the driver is synchronous, so a
 * statement that waits for a lock would block the event loop. A transaction takes the write lock at its begin, so
 * SQLITE_BUSY occurs before it has changed anything, or not at all. A statement that changes rows runs in one, too.
 */
export function createSqliteDialect(database: Database.Database, close: () => Promise<void>): SqliteAtOnce {
  const prepare = createPrepare(database);
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
 * A statement that changes rows must not get SQLITE_BUSY when it has read some: see `createPrepare`. So the lock is taken
 * before it reads.
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
