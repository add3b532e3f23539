import type { Socket } from "node:net";
import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { StartError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { createStore, type Driver } from "./driver.ts";
import { errorCode } from "./folder.ts";
import { migrate, refuseOutdated } from "./migrate.ts";
import { CONNECT_TIMEOUT, createDatabaseSocket, createPool } from "./postgres-pool.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";
import type { Witness } from "./trust-queries.ts";

const CHANNEL = "mintmark";

/** Milliseconds. A request must be answered within two seconds, with or without the database. */
const LIMIT = 1500;
/** A start may have to wait for other servers that change the tables, and then change them itself. */
const MIGRATION_LIMIT = 60_000;
const RETRY = 1000;

export type PostgresOptions = {
  /** Whether the tables must be there already, and be of this release. Nothing is made then. Default false. */
  guest?: boolean | undefined;
  /** Longest time for a query or a transaction, in milliseconds. Default 1500. */
  limit?: number;
};

/** Opens a PostgreSQL database as a store; see {@link openPostgres}. */
export async function openPostgresStore(url: string, options: Pick<PostgresOptions, "guest"> = {}): Promise<Store> {
  return createStore(await openPostgres(url, options));
}

/**
 * Opens a PostgreSQL database, by a `postgres://` URL, for any number of servers.
 * Throws a {@link StartError} where it cannot be reached or used. Later it may come and go.
 */
export async function openPostgres(
  url: string,
  { limit = LIMIT, guest = false }: PostgresOptions = {},
): Promise<Driver> {
  const migrating = connectTo(url, MIGRATION_LIMIT);
  try {
    await (guest ? refuseOutdated(migrating) : migrate(migrating));
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(
      `The database in DATABASE_URL cannot be used (${errorCode(cause)}): check that it runs and what the URL says`,
    );
  } finally {
    await migrating.destroy().catch(() => {});
  }
  const db = connectTo(url, limit);
  return {
    db,
    shared: true,
    system: "postgresql",
    announce: (transaction) => sql`select pg_notify(${CHANNEL}, '')`.execute(transaction),
    listen: (wake) => listen(url, wake),
    witness: WITNESS,
    close: () => db.destroy(),
  };
}

/**
 * Which copy of the tables this is: a dump is restored into new tables, a copy is another database. Files that were
 * restored in place are found out by their lower numbers. The clock is the one that all servers share.
 */
const WITNESS: Witness = {
  history: sql<string>`concat_ws('.', (select oid from pg_database where datname = current_database()), 'state'::regclass::oid)`,
  now: sql<Seconds>`extract(epoch from clock_timestamp())::bigint`,
};

function connectTo(url: string, limit: number): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: createPool(url, limit) }) });
}

/** Listens for changes on a connection of its own, made again whenever it breaks. */
function listen(url: string, wake: () => void): () => void {
  let socket: Socket | undefined;
  let retry: NodeJS.Timeout | undefined;
  let ended = false;

  const connect = async () => {
    const made = createDatabaseSocket();
    socket = made;
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: LIMIT,
      keepAlive: true,
      stream: () => made,
    });
    client.on("notification", wake);
    client.on("error", () => {});
    client.on("end", again);
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      wake();
    } catch {
      made.destroy();
    }
  };
  const again = () => {
    if (!ended) retry = setTimeout(connect, RETRY).unref();
  };

  void connect();
  return () => {
    ended = true;
    clearTimeout(retry);
    // Without a farewell: a server that does not answer it would keep the process.
    socket?.destroy();
  };
}
