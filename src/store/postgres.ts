import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { StartError } from "../errors.ts";
import { createStore, type Driver } from "./driver.ts";
import { errorCode } from "./folder.ts";
import { migrate, type Schema } from "./schema.ts";
import type { Store } from "./store.ts";

const CHANNEL = "mintmark";

/** Milliseconds. A request must be answered within two seconds, with or without the database. */
const CONNECT_TIMEOUT = 1000;
const QUERY_TIMEOUT = 1500;
const RETRY = 1000;

/** Opens a PostgreSQL database as a store; see {@link openPostgres}. */
export async function openPostgresStore(url: string): Promise<Store> {
  return createStore(await openPostgres(url));
}

/**
 * Opens a PostgreSQL database, by a `postgres://` URL, for any number of servers.
 * Throws a {@link StartError} where it cannot be reached or used. Later it may come and go.
 */
export async function openPostgres(url: string): Promise<Driver> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    query_timeout: QUERY_TIMEOUT,
    // Commits are on disk before they are answered, whatever the server's default is.
    options: `-c synchronous_commit=on -c statement_timeout=${QUERY_TIMEOUT} -c lock_timeout=${QUERY_TIMEOUT}`,
    types: { getTypeParser: numberForBigint },
  });
  // A connection that breaks while it waits in the pool is replaced by the next query.
  pool.on("error", () => {});
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db);
  } catch (cause) {
    await db.destroy().catch(() => {});
    throw new StartError(
      `The database in DATABASE_URL cannot be used (${errorCode(cause)}): check that it runs and what the URL says`,
    );
  }
  return {
    db,
    announce: (transaction) => sql`select pg_notify(${CHANNEL}, '')`.execute(transaction),
    listen: (wake) => listen(url, wake),
    close: () => db.destroy(),
  };
}

const INT8 = 20;

/** Numbers here are counts and seconds, far below 2^53. */
function numberForBigint(oid: number, format?: "text" | "binary") {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}

/** Listens for changes on a connection of its own, made again whenever it breaks. */
function listen(url: string, wake: () => void): () => void {
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let ended = false;

  const connect = async () => {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT, keepAlive: true });
    client.on("notification", wake);
    client.on("error", () => {});
    client.on("end", again);
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      wake();
    } catch {
      await client.end().catch(() => {});
    }
  };
  const again = () => {
    if (!ended) retry = setTimeout(connect, RETRY).unref();
  };

  void connect();
  return () => {
    ended = true;
    clearTimeout(retry);
    void client?.end().catch(() => {});
  };
}
