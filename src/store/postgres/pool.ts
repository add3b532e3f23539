import { Socket } from "node:net";
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg from "pg";
import { completesWithin } from "../../async/with-timeout.ts";
import type { Milliseconds } from "../../time.ts";
import { ConnectionError } from "../outage.ts";
import type { PostgresAddress } from "./address.ts";
import { type Settings, setLocal, settingsFor, setUnlessPooled } from "./session-settings.ts";

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
      const lease = leaseConnection(client, { until, lost: onLost });
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

type Query = (sql: string, parameters: readonly unknown[]) => Promise<PostgresQueryResult<unknown>>;
type Lease = {
  query: Query;
  /** Sends all statements of `work` in one write. */
  pipeline: <T>(work: () => T) => T;
  release: () => void;
};

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

/** Leases a connection until a deadline. Calls `onLost` where the server gives no response. */
function leaseConnection(client: pg.PoolClient, { until, lost }: { until: Milliseconds; lost: () => void }): Lease {
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
    // Also rejects the pending query.
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
  const pipeline = <T>(work: () => T): T => {
    const { stream } = client.connection;
    stream.cork();
    try {
      return work();
    } finally {
      stream.uncork();
    }
  };
  return { query, pipeline, release };
}

/** Applies the settings in each transaction of a lease, and runs each single statement as such a transaction. */
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
    // Pipelined: three statements take one round trip. In one write: if a pooler refuses the first and closes the
    // connection, a second write would fail and hide its response.
    const [begun, answer, ended] = lease.pipeline(() => [
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

/** Creates a socket for the driver, which throws on bytes that are not PostgreSQL's: that must not end the process. */
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

/** All stored numbers are below 2^53. */
function numberForBigint(oid: number, format?: "text" | "binary") {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}
