import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Kysely, SqliteDialect } from "kysely";
import Database from "libsql";
import { StartError } from "../errors.ts";
import { errorCode, prepareDataFolder } from "./folder.ts";
import { migrate } from "./migrations.ts";
import { createSqlStore } from "./queries.ts";
import type { Schema, Store } from "./store.ts";

const FILE = "mintmark.db";

/**
 * Opens the embedded database in a folder of its own, made if need be.
 * A commit is on disk before it is answered: WAL with `synchronous=FULL`.
 * Throws a {@link StartError} where the folder cannot be used or the file is not a sound database.
 */
export async function openSqliteStore(folder: string): Promise<Store> {
  const file = join(prepareDataFolder(folder, FILE), FILE);
  try {
    if (!existsSync(file)) createDatabase(file);
    // SQLite takes an empty file for a new database, and new keys would be made over the lost ones.
    if (statSync(file).size === 0)
      throw new StartError(`The database ${file} is empty: restore it from a backup, or remove it to start anew`);
    const database = open(file);
    const close = () => {
      // The whole state in one file, so that a copy of a stopped server's database is a backup.
      database.pragma("wal_checkpoint(TRUNCATE)");
      database.close();
    };
    const dialect = new SqliteDialect({ database: { prepare: (sql) => database.prepare(sql), close } });
    const db = new Kysely<Schema>({ dialect });
    await migrate(db);
    return createSqlStore(db);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(
      `The database ${file} cannot be opened (${errorCode(cause)}): restore it from a backup, or name another folder in MINTMARK_DATA`,
    );
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

function open(file: string): Database.Database {
  const database = new Database(file);
  database.pragma("busy_timeout = 5000");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  return database;
}
