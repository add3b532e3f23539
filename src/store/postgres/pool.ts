import { Socket } from "node:net";
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg from "pg";
import { ConnectionError } from "../outage.ts";
import type { PostgresAddress } from "./address.ts";
import { type Settings, setLocal, settingsFor, setUnlessPooled } from "./session-settings.ts";

/** Longest wait for a connection, in milliseconds. */
export const CONNECT_TIMEOUT = 1000;

/**
 * What all statements run under: the longest time, in milliseconds, and the schema. Default: the role's own.
 * `connectLimit` is the longest wait for a connection. Default: {@link CONNECT_TIMEOUT}.
 */
export type PoolOptions = { limit: number; schema?: string | undefined; connectLimit?: number };

/**
 * Makes a pool of connections to PostgreSQL for Kysely. Each is lent for at most `limit` milliseconds, the wait for it
 * included: a transaction of many statements is answered by then as a single one is.
 * One that failed is not lent again: it may be dead, or within a transaction.
 *
 * Behind a pooler, a session is others' as well from one transaction to the next. There, settings are made within each
 * transaction, and a single statement gets one of its own, sent in one go.
 */
export function createPool({ connectionString, connections }: PostgresAddress, options: PoolOptions): PostgresPool {
  const { limit, connectLimit = CONNECT_TIMEOUT } = options;
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString,
    max: connections,
    connectionTimeoutMillis: connectLimit,
    types: { getTypeParser: numberForBigint },
    pipeline: true,
    stream: () => openSocket(sockets),
  });
  // One that breaks while it waits is replaced by the next loan. One that breaks while it is lent
  // also fails its query; unheard, it would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  /** How often connections were lost, and how often they had been when each one was made. */
  let losses = 0;
  const madeAt = new WeakMap<pg.PoolClient, number>();
  const pooled = new WeakSet<pg.PoolClient>();

  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect().catch((cause: unknown) => {
      throw new ConnectionError(cause);
    });
    if ((madeAt.get(client) ?? losses) === losses) return client;
    // Where one was lost, the older ones probably are as well: ten of them must not cost ten timeouts.
    client.release(true);
    return connect();
  };

  const settings = settingsFor(options);
  return {
    async connect() {
      const until = performance.now() + limit;
      const client = await connect();
      const lost = () => {
        if (madeAt.get(client) === losses) losses += 1;
        // Else the driver would wait for answers to what it has sent already.
        client.connection.stream.destroy();
      };
      const lease = leaseConnection(client, { until, lost });
      if (!madeAt.has(client)) {
        madeAt.set(client, losses);
        const isOwn = await lease.query(setUnlessPooled(client, settings), []).then(isSet, releaseAndThrow(lease));
        if (!isOwn) pooled.add(client);
      }
      return asClient(pooled.has(client) ? withinTransactions(lease, settings) : lease);
    },
    async end() {
      // A server that does not answer the farewell must keep neither the caller nor the process.
      const closeTimer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, limit);
      await pool.end();
      clearTimeout(closeTimer);
      for (const socket of sockets) socket.unref();
    },
  };
}

type Query = (sql: string, parameters: readonly unknown[]) => Promise<PostgresQueryResult<unknown>>;
type Lease = {
  query: Query;
  /** Sends all that some work asks for in one go. */
  together: <T>(work: () => T) => T;
  release: () => void;
};

/** Kysely's type of `query` knows cursors as well, of which it asks for none here. */
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

/** Lends a connection until a moment. `lost` is called where it gives no answer at all. */
function leaseConnection(client: pg.PoolClient, { until, lost }: { until: number; lost: () => void }): Lease {
  let failure: unknown;
  let returned = false;
  const release = () => {
    if (returned) return;
    returned = true;
    clearTimeout(timer);
    client.release(failure !== undefined);
  };
  const timer = setTimeout(() => {
    failure ??= new ConnectionError(new Error("PostgreSQL did not answer in time"));
    // Also ends the query that is waiting for its answer.
    lost();
    release();
  }, until - performance.now());

  const query: Query = async (sql, parameters) => {
    if (failure !== undefined) throw failure;
    try {
      return (await client.query(sql, [...parameters])) as PostgresQueryResult<unknown>;
    } catch (cause) {
      const isAnswer = cause instanceof pg.DatabaseError;
      failure ??= isAnswer ? cause : new ConnectionError(cause);
      if (!isAnswer) lost();
      throw failure;
    }
  };
  const together = <T>(work: () => T): T => {
    const { stream } = client.connection;
    stream.cork();
    try {
      return work();
    } finally {
      stream.uncork();
    }
  };
  return { query, together, release };
}

/** Runs a loan's transactions under settings of their own, and each single statement as such a transaction. */
function withinTransactions(lease: Lease, settings: Settings): Lease {
  let isOpen = false;
  const query: Query = async (sql, parameters) => {
    if (BEGIN.test(sql)) {
      isOpen = true;
      return lease.query(`${sql}; ${setLocal(settings)}`, []);
    }
    if (isOpen) {
      if (END.test(sql)) isOpen = false;
      return lease.query(sql, parameters);
    }
    // All three are sent before the first is answered, so that it takes no longer than one. A pooler that refuses the
    // first and closes the connection would make a second write fail, and its answer be lost.
    const [begun, answer, ended] = lease.together(() => [
      lease.query(`begin; ${setLocal(settings)}`, []),
      lease.query(sql, parameters),
      lease.query("commit", []),
    ]);
    const outcomes = await Promise.allSettled([begun, answer, ended]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    return answer;
  };
  return { ...lease, query };
}

const BEGIN = /^(begin|start transaction)\b/;
const END = /^(commit|rollback)$/;

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
