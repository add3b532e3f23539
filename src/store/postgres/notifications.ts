import type { Socket } from "node:net";
import pg from "pg";
import type { Milliseconds } from "../../time.ts";
import type { PostgresAddress } from "./address.ts";
import { CONNECT_TIMEOUT_MS } from "./pool.ts";
import { openSocket } from "./socket.ts";

export const CHANNEL = "mintmark";

const RETRY_MS: Milliseconds = 1000;

export type ListenOptions = {
  /** Called for each notification, and once listening has started. */
  notify: () => void;
  /** Longest time for a query, in milliseconds. */
  limit: Milliseconds;
  /** Called once, with a sentence, where a pooler drops notifications. */
  onNotice: (sentence: string) => void;
};

/** Listens for changes on a connection of its own, and reconnects after a failure. Returns the function that stops it. */
export function listen(address: PostgresAddress, { notify, limit, onNotice }: ListenOptions): () => void {
  const sockets = new Set<Socket>();
  let retry: NodeJS.Timeout | undefined;
  let ended = false;

  const open = async () => {
    const socket = openSocket(sockets);
    const client = new pg.Client({
      connectionString: address.connectionString,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: limit,
      keepAlive: true,
      stream: () => socket,
    });
    client.on("error", () => {});
    await client.connect().catch((cause: unknown) => {
      socket.destroy();
      throw cause;
    });
    return { client, close: () => socket.destroy() };
  };
  const connect = async () => {
    const opened = await open();
    const { client, close } = opened;
    try {
      if (!(await hasOwnSession(client, open))) {
        close();
        return onNotice(POOLED);
      }
      client.on("notification", notify);
      client.once("end", reconnect);
      await client.query(`listen ${CHANNEL}`);
      notify();
    } catch (cause) {
      client.off("end", reconnect);
      close();
      throw cause;
    }
  };
  const attempt = () => void connect().catch(reconnect);
  const reconnect = () => {
    if (!ended) retry = setTimeout(attempt, RETRY_MS).unref();
  };

  attempt();
  return () => {
    ended = true;
    clearTimeout(retry);
    // Not `client.end()`: a server that does not answer would keep the process alive.
    for (const socket of sockets) socket.destroy();
  };
}

const POOLED =
  "DATABASE_URL leads to a pooler in transaction mode, which drops notifications: changes by other servers take effect within 1 s instead of milliseconds";

type Opened = { client: pg.Client; close: () => void };

/**
 * Whether the connection has a PostgreSQL session of its own: directly, or by a pooler in session mode. A pooler in
 * transaction mode assigns a session to each transaction. To listen there would leave the session of another client
 * listening.
 */
async function hasOwnSession(client: pg.Client, open: () => Promise<Opened>): Promise<boolean> {
  const { processID } = client as { processID?: number };
  if ((await backendPid(client)) === processID) return true;
  const other = await open();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const mine = await backendPid(client);
      await other.client.query("begin");
      const theirs = await backendPid(other.client);
      const isMineStill = (await backendPid(client)) === mine;
      await other.client.query("rollback");
      if (theirs === mine || !isMineStill) return false;
    }
    return true;
  } finally {
    other.close();
  }
}

/** One round may prove nothing, since another client may take the session in between. */
const ROUNDS = 5;

async function backendPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}
