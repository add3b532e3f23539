import type { PostgresQueryResult } from "kysely";
import pg from "pg";
import type { Milliseconds } from "../../time.ts";
import { ConnectionError } from "../outage.ts";
import { type Settings, setLocal } from "./session-settings.ts";

type Query = (sql: string, parameters: readonly unknown[]) => Promise<PostgresQueryResult<unknown>>;

export type Lease = {
  query: Query;
  /** Sends all statements of `work` in one write. */
  pipeline: <T>(work: () => T) => T;
  release: () => void;
};

/** Leases a connection until a deadline. Calls `onLost` where the server gives no response. */
export function leaseConnection(
  client: pg.PoolClient,
  { until, onLost }: { until: Milliseconds; onLost: () => void },
): Lease {
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
    onLost();
    release();
  }, until - performance.now());

  const query: Query = async (sql, parameters) => {
    if (failure !== undefined) throw failure;
    try {
      return (await client.query(sql, [...parameters])) as PostgresQueryResult<unknown>;
    } catch (cause) {
      const isResponse = cause instanceof pg.DatabaseError;
      failure ??= isResponse ? cause : new ConnectionError(cause);
      if (!isResponse) onLost();
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
export function withinTransactions(lease: Lease, settings: Settings): Lease {
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
