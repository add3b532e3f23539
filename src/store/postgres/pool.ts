import type { Socket } from "node:net";
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg from "pg";
import { completesWithin } from "../../async/with-timeout.ts";
import type { Milliseconds } from "../../time.ts";
import { ConnectionError } from "../outage.ts";
import type { PostgresAddress } from "./address.ts";
import { type Lease, leaseConnection, withinTransactions } from "./lease.ts";
import { settingsFor, setUnlessPooled } from "./session-settings.ts";
import { openSocket } from "./socket.ts";

/** Longest wait for a connection. */
export const CONNECT_TIMEOUT_MS: Milliseconds = 1000;

/**
 * `limit`: longest time of a lease, in milliseconds. `schema`: default: the role's own. `connectLimit`: longest wait for a
 * connection, in milliseconds; default 1000.
 */
export type PoolOptions = { limit: Milliseconds; schema?: string | undefined; connectLimit?: Milliseconds };

/**
 * Creates a pool of PostgreSQL connections for Kysely. A lease ends after at most `limit` milliseconds, the wait for the
 * connection included, also for a transaction of many statements. A connection that failed is closed: it may be dead, or
 * within a transaction.
 *
 * Behind a pooler, other clients use the session between transactions. There, each transaction applies the settings itself,
 * and a single statement runs in a transaction of its own, pipelined.
 */
export function createPool({ connectionString, connections }: PostgresAddress, options: PoolOptions): PostgresPool {
  const { limit, connectLimit = CONNECT_TIMEOUT_MS } = options;
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString,
    max: connections,
    connectionTimeoutMillis: connectLimit,
    types: { getTypeParser: numberForBigint },
    pipeline: true,
    stream: () => openSocket(sockets),
  });
  // Without listeners, an error of an idle or leased connection would end the process. Its query fails anyway.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  /** Counts lost connections, now and at the creation of each connection. */
  let losses = 0;
  const madeAt = new WeakMap<pg.PoolClient, number>();
  const pooled = new WeakSet<pg.PoolClient>();

  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect().catch((cause: unknown) => {
      throw new ConnectionError(cause);
    });
    if ((madeAt.get(client) ?? losses) === losses) return client;
    // Connections older than a lost one are probably dead too: ten of them must not cost ten timeouts.
    client.release(true);
    return connect();
  };

  const settings = settingsFor(options);
  return {
    async connect() {
      const until = performance.now() + limit;
      const client = await connect();
      const onLost = () => {
        if (madeAt.get(client) === losses) losses += 1;
        // Else the driver would wait for the responses to pipelined statements.
        client.connection.stream.destroy();
      };
      const lease = leaseConnection(client, { until, onLost });
      if (!madeAt.has(client)) {
        madeAt.set(client, losses);
        const isOwn = await lease.query(setUnlessPooled(client, settings), []).then(isSet, releaseAndThrow(lease));
        if (!isOwn) pooled.add(client);
      }
      return asClient(pooled.has(client) ? withinTransactions(lease, settings) : lease);
    },
    async end() {
      // A server that does not answer must block neither the caller nor the exit of the process.
      const ended = pool.end();
      if (!(await completesWithin(limit, ended))) for (const socket of sockets) socket.destroy();
      await ended;
      for (const socket of sockets) socket.unref();
    },
  };
}

/** Kysely's type of `query` also has cursors, which are not used here. */
function asClient({ query, release }: Lease): PostgresPoolClient {
  return { query: query as unknown as PostgresPoolClient["query"], release };
}

function isSet({ rows }: PostgresQueryResult<unknown>): boolean {
  return rows.length > 0;
}

function releaseAndThrow(lease: Lease): (cause: unknown) => never {
  return (cause) => {
    lease.release();
    throw cause;
  };
}

const INT8 = 20;

/** All stored numbers are below 2^53. */
function numberForBigint(oid: number, format?: "text" | "binary") {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}
