import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Kysely, SqliteDialect } from "kysely";
import Database from "libsql";
import { StartError } from "../errors.ts";
import { cannotOpen, refuseIfCutShort } from "./damage.ts";
import { createStore, type Driver, type Neighbours } from "./driver.ts";
import { errorCode, prepareDataFolder } from "./folder.ts";
import { migrate, refuseOutdated } from "./migrate.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

/** The embedded database, in a folder of its own. */
export const FILE = "mintmark.db";

export type SqliteOptions = {
  /** Whether other processes may use the folder meanwhile. A server does not share; a command may. Default false. */
  shared?: boolean;
  /** Whether the database must be there already, and be of this release. Nothing is made then. Default false. */
  guest?: boolean | undefined;
  /** Those other processes, where there is a way to tell them of changes. Default: they look every second. */
  neighbours?: Neighbours | undefined;
};

/** Opens the embedded database as a store; see {@link openSqlite}. */
export async function openSqliteStore(folder: string, options?: SqliteOptions): Promise<Store> {
  return createStore(await openSqlite(folder, options));
}

/**
 * Opens the embedded database in a folder of its own, made if need be.
 * A commit is on disk before it is answered: WAL with `synchronous=FULL`.
 * Throws a {@link StartError} where the folder cannot be used, is in use by another server, or where
 * the file is not a sound database.
 */
export async function openSqlite(folder: string, options: SqliteOptions = {}): Promise<Driver> {
  const { shared = false, guest = false, neighbours } = options;
  if (guest && !existsSync(join(folder, FILE))) throw noDatabase(folder);
  const file = join(prepareDataFolder(folder, FILE), FILE);
  const unlock = shared ? () => {} : lock(`${file}.lock`);
  try {
    if (!existsSync(file)) createDatabase(file);
    refuseIfCutShort(file);
    const database = open(file);
    const close = () => {
      // The whole state in one file, so that a copy of a stopped server's database is a backup.
      database.pragma("wal_checkpoint(TRUNCATE)");
      database.close();
      unlock();
    };
    const dialect = new SqliteDialect({ database: { prepare: keepPrepared(database), close } });
    const db = new Kysely<Schema>({ dialect });
    await (guest ? refuseOutdated(db) : migrate(db));
    // The file may have been restored from a backup while no server had it: its numbers may be given out again.
    if (!shared && !guest) await db.updateTable("state").set({ epoch: randomUUID() }).execute();
    const isShared = shared || neighbours !== undefined;
    return { db, system: "sqlite", shared: isShared, close: () => db.destroy(), ...neighbours };
  } catch (cause) {
    unlock();
    throw cause instanceof StartError ? cause : cannotOpen(file, cause);
  }
}

export function noDatabase(folder: string): StartError {
  return new StartError(
    `There is no database in ${resolve(folder)}: start the server first, or name its folder in MINTMARK_DATA`,
  );
}

/**
 * Takes the folder for this process, by a transaction that stays open: the system ends it with the
 * process, however that ends, so no lock is ever left behind. Gives the verb that lets it go.
 */
function lock(file: string): () => void {
  const holder = openLock(file);
  try {
    holder.exec("BEGIN EXCLUSIVE");
  } catch {
    holder.close();
    throw new StartError(
      `${dirname(file)} is in use by another Mintmark: stop it, or name another folder in MINTMARK_DATA`,
    );
  }
  return () => {
    if (!holder.open) return;
    holder.exec("ROLLBACK");
    holder.close();
  };
}

function openLock(file: string): Database.Database {
  try {
    if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
    return new Database(file);
  } catch (cause) {
    throw cannotOpen(file, cause);
  }
}

/**
 * Makes a database under a name of its own first, so that an interrupted start leaves none
 * that looks damaged, and of several that start at once one makes it.
 */
function createDatabase(file: string): void {
  const draft = `${file}.${randomUUID()}`;
  closeSync(openSync(draft, "wx", 0o600));
  open(draft).close();
  try {
    linkSync(draft, file);
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
  }
  rmSync(draft);
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
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

function open(file: string): Database.Database {
  const database = new Database(file);
  database.pragma("busy_timeout = 5000");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  return database;
}
