import { Socket } from "node:net";
import type { PostgresPool, PostgresPoolClient } from "kysely";
import pg from "pg";

/** Longest wait for a connection, in milliseconds. */
export const CONNECT_TIMEOUT = 1000;

/**
 * Makes a pool of connections to PostgreSQL for Kysely. Each is lent for at most `limit` milliseconds, the wait for it
 * included: a transaction of many statements is answered by then as a single one is.
 * One that failed is not lent again: it may be dead, or within a transaction.
 */
export function createPool(connectionString: string, limit: number): PostgresPool {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    stream: () => openSocket(sockets),
    types: { getTypeParser: numberForBigint },
  });
  // One that breaks while it waits is replaced by the next loan. One that breaks while it is lent
  // also fails its query; unheard, it would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  /** How often connections were lost, and how often they had been when each one was made. */
  let losses = 0;
  const madeAt = new WeakMap<pg.PoolClient, number>();

  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect();
    if ((madeAt.get(client) ?? losses) === losses) return client;
    // Where one was lost, the older ones probably are as well: ten of them must not cost ten timeouts.
    client.release(true);
    return connect();
  };

  return {
    async connect() {
      const until = performance.now() + limit;
      const client = await connect();
      const lost = () => {
        if (madeAt.get(client) === losses) losses += 1;
      };
      const loan = lend(client, { until, lost });
      if (!madeAt.has(client)) {
        madeAt.set(client, losses);
        await loan.query(settings(limit), []).catch((cause: unknown) => {
          loan.release();
          throw cause;
        });
      }
      return loan;
    },
    async end() {
      // A server that does not answer the farewell must keep neither the caller nor the process.
      const patience = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, limit);
      await pool.end();
      clearTimeout(patience);
      for (const socket of sockets) socket.unref();
    },
  };
}

/** Set by each connection itself, and so above all that the server, the role and `options=` in the URL say. */
function settings(limit: number): string {
  // The server gives up first, so that a slow answer is not taken for a lost connection.
  const timeout = Math.floor(limit * 0.8);
  return `
    -- A commit is on disk before it is answered.
    set synchronous_commit = on;
    set statement_timeout = ${timeout};
    set lock_timeout = ${timeout};
    -- A server that the network lost within a change must not hold the lock that all changes take.
    set idle_in_transaction_session_timeout = ${timeout}`;
}

/** Lends a connection until a moment. `lost` is told where it gives no answer at all. */
function lend(client: pg.PoolClient, { until, lost }: { until: number; lost: () => void }): PostgresPoolClient {
  let failure: unknown;
  let returned = false;
  const release = () => {
    if (returned) return;
    returned = true;
    clearTimeout(timer);
    client.release(failure !== undefined);
  };
  const timer = setTimeout(() => {
    failure ??= new Error("PostgreSQL did not answer in time");
    lost();
    // Also ends the query that is waiting for its answer.
    release();
  }, until - performance.now());

  const query = async (sql: string, parameters: readonly unknown[]) => {
    if (failure !== undefined) throw failure;
    try {
      return await client.query(sql, [...parameters]);
    } catch (cause) {
      failure ??= cause;
      if (!(cause instanceof pg.DatabaseError)) lost();
      throw failure;
    }
  };
  return { query: query as unknown as PostgresPoolClient["query"], release };
}

/**
 * Makes a socket for the driver, which throws where bytes are no PostgreSQL: by that the connection is to end, and not the
 * process.
 */
export function createDatabaseSocket(): Socket {
  const socket = new Socket();
  const emit: (event: string | symbol, ...values: unknown[]) => boolean = socket.emit.bind(socket);
  return Object.assign(socket, {
    emit(event: string | symbol, ...values: unknown[]): boolean {
      if (event !== "data") return emit(event, ...values);
      try {
        return emit(event, ...values);
      } catch (cause) {
        socket.destroy(cause instanceof Error ? cause : new Error("What was received could not be read", { cause }));
        return true;
      }
    },
  });
}

function openSocket(sockets: Set<Socket>): Socket {
  const socket = createDatabaseSocket();
  sockets.add(socket);
  return socket.once("close", () => sockets.delete(socket));
}

const INT8 = 20;

/** Numbers here are counts and seconds, far below 2^53. */
function numberForBigint(oid: number, format?: "text" | "binary") {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}
