import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Kysely } from "kysely";
import Database from "libsql";
import { StartError } from "../../errors.ts";
import { FILES_MOVED } from "../outage.ts";
import { createStore, type Driver, type PeerProcesses } from "../sql/driver.ts";
import { migrate, refuseOutdated } from "../sql/migrate.ts";
import type { Schema } from "../sql/schema.ts";
import type { Store } from "../store.ts";
import { errorCode, fullPath, prepareDataDirectory } from "./data-directory.ts";
import { createSqliteDialect, whileBusy } from "./dialect.ts";
import { refuseMoved } from "./moved.ts";
import { type OpenedFiles, rememberFiles } from "./opened-files.ts";
import { cannotOpen, refuseOrphanedLog, refuseTruncated } from "./truncation.ts";

/** The embedded database, in a folder of its own. */
export const FILE = "mintmark.db";

export type SqliteOptions = {
  /** Whether other processes may use the folder meanwhile. A server does not share; a command may. Default false. */
  shared?: boolean;
  /** Whether the database must be there already, and be of this release. Nothing is made then. Default false. */
  guest?: boolean | undefined;
  /** Those other processes, where there is a way to tell them of changes. Default: they look every second. */
  peers?: PeerProcesses | undefined;
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
  const { shared = false, guest = false, peers } = options;
  if (guest && !existsSync(join(folder, FILE))) throw noDatabase(folder);
  refuseMoved(join(fullPath(folder), FILE));
  const file = join(prepareDataDirectory(folder, FILE), FILE);
  const unlock = shared ? () => {} : lock(`${file}.lock`);
  let database: Database.Database | undefined;
  try {
    if (!shared) removeDrafts(file);
    if (!existsSync(file)) {
      refuseOrphanedLog(file);
      createDatabase(file);
    }
    refuseTruncated(file);
    const opened = await whileBusy(async () => open(file), START_LIMIT);
    database = opened;
    const close = async () => {
      await checkpoint(opened);
      opened.close();
      unlock();
    };
    const db = new Kysely<Schema>({ dialect: createSqliteDialect(opened, close) });
    await whileBusy(() => (guest ? refuseOutdated(db) : migrate(db)), START_LIMIT);
    // The file may have been restored from a backup while no server had it: its numbers may be given out again.
    const renew = () => db.updateTable("state").set({ epoch: randomUUID() }).execute();
    if (!shared && !guest) await whileBusy(renew, START_LIMIT);
    return {
      db,
      system: "sqlite",
      shared: shared || peers !== undefined,
      run: createRun(rememberFiles(file)),
      close: () => db.destroy(),
      ...peers,
    };
  } catch (cause) {
    database?.close();
    unlock();
    throw cause instanceof StartError ? cause : cannotOpen(file, cause);
  }
}

export function noDatabase(folder: string): StartError {
  return new StartError(
    `There is no database in ${fullPath(folder)}: start the server first, or name its folder in MINTMARK_DATA`,
  );
}

/** A request must be answered within two seconds, and a start may have to wait for other programs. In milliseconds. */
const LIMIT_MS = 1500;
const START_LIMIT = 60_000;

/** Runs verbs while the files are there that were opened, and whole: what went into others would be acknowledged and lost. */
function createRun(files: OpenedFiles): Required<Driver>["run"] {
  return async (verb) => {
    const outcome = await whileBusy(verb, LIMIT_MS);
    if (!files.areThere()) throw Object.assign(new Error("The database file was moved"), { code: FILES_MOVED });
    if (!files.isWhole()) throw Object.assign(new Error("The database file was damaged"), { code: "SQLITE_CORRUPT" });
    return outcome;
  };
}

/** Puts the whole state into one file, so that a copy of a stopped server's database is a backup. */
async function checkpoint(database: Database.Database): Promise<void> {
  const attempt = async () => {
    const [outcome] = database.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
    if (outcome?.busy !== 0) throw Object.assign(new Error(), { code: "SQLITE_BUSY" });
  };
  // What could not be put there stays in the write-ahead log, from where the next start takes it.
  await whileBusy(attempt, LIMIT_MS).catch(() => {});
}

/**
 * Takes the folder for this process, by a transaction that stays open: the system ends it with the
 * process, however that ends, so no lock is ever left behind. Gives the verb that lets it go.
 */
function lock(file: string): () => void {
  const holder = openLock(file);
  try {
    // Not EXCLUSIVE: of several that start at once, each could keep all others from it, and none would have it.
    holder.exec("BEGIN IMMEDIATE");
  } catch (cause) {
    holder.close();
    if (!errorCode(cause).startsWith("SQLITE_BUSY")) throw cannotOpen(file, cause);
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

/** Removes what starts left behind that were killed while they made a database. */
function removeDrafts(file: string): void {
  const folder = dirname(file);
  for (const entry of readdirSync(folder)) if (DRAFT.test(entry)) rmSync(join(folder, entry));
}

const DRAFT = new RegExp(`^${FILE.replace(".", "\\.")}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`);

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

function open(file: string): Database.Database {
  const database = new Database(file);
  try {
    // A wait for a lock would stop the event loop: see `whileBusy`.
    database.pragma("busy_timeout = 0");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}
