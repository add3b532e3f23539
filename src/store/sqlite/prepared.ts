import type Database from "libsql";
import { isBusy } from "./busy.ts";

/** Cached statements. Lists of values have a text of their own for each length. */
const MAX_PREPARED = 200;

export type Prepared = Pick<Database.Statement, "reader" | "all" | "run" | "iterate">;

/**
 * Prepares each statement once: preparing takes longer than running most of them.
 *
 * The driver does not reset a prepared statement that got SQLITE_BUSY, and SQLite takes it for a reader that goes on: all later
 * reads of the connection would see the database as it was then, revocations missing. So `begin`, which gets it from every
 * other writer, is not prepared. A read gets it where another process was killed during a commit, and the log is recovered: it
 * runs again, to its end, before any other statement does.
 */
export function createPrepare(database: Database.Database): (sql: string) => Prepared {
  const prepared = new Map<string, Prepared>();
  const unfinished = createUnfinished(() => database.inTransaction);
  return (sql) => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    const statement = BEGIN.test(sql)
      ? asExecuted(() => unfinished.before(() => database.exec(sql)))
      : asPrepared(database.prepare(sql), { sql, unfinished });
    prepared.set(sql, statement);
    return statement;
  };
}

type Unfinished = {
  /** Does `work` when all reads that were busy have run to their end. */
  before<Outcome>(work: () => Outcome): Outcome;
  /** The same for a read, which may be busy in its turn. */
  read<Outcome>(work: () => Outcome): Outcome;
};

/** A transaction holds its snapshot in any case, and its end must not be prevented. */
function createUnfinished(isInTransaction: () => boolean): Unfinished {
  const unfinished = new Set<() => unknown>();
  function finish(): void {
    if (unfinished.size === 0 || isInTransaction()) return;
    for (const work of unfinished) {
      try {
        work();
      } catch (cause) {
        if (isBusy(cause)) throw cause;
      }
      unfinished.delete(work);
    }
  }
  return {
    before(work) {
      finish();
      return work();
    },
    read(work) {
      finish();
      try {
        return work();
      } catch (cause) {
        if (isBusy(cause)) unfinished.add(work);
        throw cause;
      }
    },
  };
}

const BEGIN = /^begin\b/;

/** `exec` retains no statement. */
function asExecuted(exec: () => void): Prepared {
  const run = () => {
    exec();
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { reader: false, run, all: () => [], iterate: () => [].values() };
}

/** `reader` is read for each query, and asks SQLite each time. */
function asPrepared(
  statement: Database.Statement,
  { sql, unfinished }: { sql: string; unfinished: Unfinished },
): Prepared {
  const { reader } = statement;
  const read: Prepared["all"] = reader ? allOf(statement, ONE.test(sql)) : () => [];
  const all: Prepared["all"] = (parameters) => unfinished.read(() => read(parameters));
  return {
    reader,
    all,
    run: (parameters) => unfinished.before(() => statement.run(parameters)),
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
