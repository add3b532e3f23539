import { Kysely, SqliteDialect } from "kysely";
import Database from "libsql";
import { StartError } from "../errors.ts";
import { errorCode, prepareDataFolder } from "./folder.ts";
import { migrate } from "./migrations.ts";
import { createSqlStore } from "./queries.ts";
import type { Schema, Store } from "./store.ts";

/**
 * Opens the embedded database in a folder of its own, made if need be.
 * A commit is on disk before it is answered: WAL with `synchronous=FULL`.
 * Throws a {@link StartError} where the folder cannot be used or the file is not a sound database.
 */
export async function openSqliteStore(folder: string): Promise<Store> {
  const file = prepareDataFolder(folder);
  try {
    const database = new Database(file);
    database.pragma("busy_timeout = 5000");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    await migrate(db);
    return createSqlStore(db);
  } catch (cause) {
    throw new StartError(
      `The database ${file} cannot be opened (${errorCode(cause)}): restore it from a backup, or name another folder in MINTMARK_DATA`,
    );
  }
}
