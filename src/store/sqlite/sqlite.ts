import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Kysely } from "kysely";
import Database from "libsql";
import { StartError } from "../../errors.ts";
import type { Milliseconds } from "../../time.ts";
import { createStore, type Driver, type PeerProcesses } from "../sql/driver.ts";
import { migrate, refuseOutdated } from "../sql/migrate.ts";
import type { Schema } from "../sql/schema.ts";
import { executeBy } from "../sql/statement.ts";
import type { Store } from "../store.ts";
import { isBusy, whileBusy } from "./busy.ts";
import { type Checkpoints, createCheckpoints } from "./checkpoints.ts";
import { errorCode, fullPath, prepareDataDirectory } from "./data-directory.ts";
import { cannotOpen, refuseOrphanedLog, refuseTruncated, rememberFiles } from "./database-file.ts";
import { createSqliteDialect } from "./dialect.ts";
import { createGroupCommit } from "./group-commit.ts";
import { createLogSync, type LogSync } from "./log-sync.ts";
import { refuseMoved } from "./moved.ts";
import { createRun, LIMIT_MS } from "./run.ts";

/** File name of the embedded database. */
export const FILE = "mintmark.db";

export type SqliteOptions = {
  /** Whether other processes may use the folder at the same time, as for a command. Default false. */
  shared?: boolean;
  /** Whether the database must exist and have the schema of this release. Creates nothing. Default false. */
  guest?: boolean | undefined;
  /** Notifies other processes of changes. Default: they poll every second. */
  peers?: PeerProcesses | undefined;
};

/** Opens the embedded database as a store; see {@link openSqlite}. */
export async function openSqliteStore(folder: string, options?: SqliteOptions): Promise<Store> {
  return createStore(await openSqlite(folder, options));
}

/**
 * Opens the embedded database in a folder of its own, which it creates if missing. What a store method has changed is on the
 * disk when it resolves. Throws a {@link StartError} where the folder cannot be used, another server uses it, or the file is no
 * intact database.
 */
export async function openSqlite(folder: string, options: SqliteOptions = {}): Promise<Driver> {
  const { shared = false, guest = false, peers } = options;
  if (guest && !existsSync(join(folder, FILE))) throw noDatabase(folder);
  refuseMoved(join(fullPath(folder), FILE));
  const file = join(prepareDataDirectory(folder, FILE), FILE);
  const unlock = shared ? () => {} : lock(`${file}.lock`);
  let database: Database.Database | undefined;
  let log: LogSync | undefined;
  let checkpoints: Checkpoints | undefined;
  try {
    if (!shared) removeDrafts(file);
    if (!existsSync(file)) {
      refuseOrphanedLog(file);
      createDatabase(file);
    }
    refuseTruncated(file);
    const opened = await whileBusy(async () => open(file), START_LIMIT_MS);
    database = opened;
    const close = async () => {
      await checkpoints?.close();
      // Calls in flight wait for a sync, whose descriptor is closed below.
      await log?.synced().catch(() => {});
      await checkpoint(opened);
      opened.close();
      log?.close();
      unlock();
    };
    const dialect = createSqliteDialect(opened, close);
    const db = new Kysely<Schema>({ dialect });
    executeBy(db, dialect.executeNow);
    await whileBusy(() => (guest ? refuseOutdated(db) : migrate(db)), START_LIMIT_MS);
    // The file may have been restored from a backup since: its sequence numbers may be issued a second time.
    const renew = () => db.updateTable("state").set({ epoch: randomUUID() }).execute();
    if (!shared && !guest) await whileBusy(renew, START_LIMIT_MS);
    const files = rememberFiles(file);
    log = createLogSync(file);
    checkpoints = createCheckpoints(file, { files, log });
    await log.synced();
    return {
      db,
      system: "sqlite",
      shared: shared || peers !== undefined,
      run: createRun(dialect.writes, { files, log, checkpoints }),
      transact: createGroupCommit(db, () => opened.inTransaction),
      close: () => db.destroy(),
      ...peers,
    };
  } catch (cause) {
    database?.close();
    log?.close();
    unlock();
    throw cause instanceof StartError ? cause : cannotOpen(file, cause);
  }
}

export function noDatabase(folder: string): StartError {
  return new StartError(
    `There is no database in ${fullPath(folder)}: start the server first, or set MINTMARK_DATA to its folder`,
  );
}

/** A start may wait for other processes. */
const START_LIMIT_MS: Milliseconds = 60_000;

/** Moves the write-ahead log into the database file, so that a copy of a stopped server's database is a backup. */
async function checkpoint(database: Database.Database): Promise<void> {
  const attempt = async () => {
    const [outcome] = database.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
    if (outcome?.busy !== 0) throw Object.assign(new Error(), { code: "SQLITE_BUSY" });
  };
  // On failure the next start reads the rest from the write-ahead log.
  await whileBusy(attempt, LIMIT_MS).catch(() => {});
}

/**
 * Locks the folder for this process by an open transaction, which the system releases with the process. Returns the
 * function that unlocks.
 */
function lock(file: string): () => void {
  const holder = openLock(file);
  try {
    // Not EXCLUSIVE: several processes that start at once could then block each other, and none would start.
    holder.exec("BEGIN IMMEDIATE");
  } catch (cause) {
    holder.close();
    if (!isBusy(cause)) throw cannotOpen(file, cause);
    throw new StartError(
      `${dirname(file)} is in use by another Mintmark server: stop it, or set MINTMARK_DATA to another folder`,
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

/** Removes drafts of processes that were killed while they created a database. */
function removeDrafts(file: string): void {
  const folder = dirname(file);
  for (const entry of readdirSync(folder)) if (DRAFT.test(entry)) rmSync(join(folder, entry));
}

const DRAFT = new RegExp(`^${FILE.replace(".", "\\.")}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`);

/**
 * Creates a database under a temporary name and links it: an interrupted start leaves no file that looks damaged, and of
 * several processes only one succeeds.
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
    // Waiting for a lock would block the event loop; see `whileBusy`.
    database.pragma("busy_timeout = 0");
    database.pragma("journal_mode = WAL");
    // At checkpoints alone. Commits are synced in the thread pool; see `createLogSync`.
    database.pragma("synchronous = NORMAL");
    // For the case that those beside the event loop fail: see `createCheckpoints`.
    database.pragma("wal_autocheckpoint = 10000");
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}
