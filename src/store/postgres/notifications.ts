import type { Socket } from "node:net";
import pg from "pg";
import type { PostgresAddress } from "./address.ts";
import { CONNECT_TIMEOUT, createDatabaseSocket } from "./pool.ts";

export const CHANNEL = "mintmark";

const RETRY = 1000;

export type ListenOptions = {
  /** Called for each notification, and when listening has begun. */
  notify: () => void;
  /** Longest time for a query, in milliseconds. */
  limit: number;
  /** Called once, with a sentence, where notifications cannot reach this program. */
  onNotice: (sentence: string) => void;
};

/** Listens for changes on a connection of its own, made again whenever it breaks. Returns the function that ends it. */
export function listen(address: PostgresAddress, { notify, limit, onNotice }: ListenOptions): () => void {
  const sockets = new Set<Socket>();
  let retry: NodeJS.Timeout | undefined;
  let ended = false;

  const open = async () => {
    const socket = createDatabaseSocket();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const client = new pg.Client({
      connectionString: address.connectionString,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
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
      if (!(await keepsSession(client, open))) {
        close();
        return onNotice(POOLED);
      }
      client.on("notification", notify);
      client.once("end", again);
      await client.query(`listen ${CHANNEL}`);
      notify();
    } catch (cause) {
      client.off("end", again);
      close();
      throw cause;
    }
  };
  const attempt = () => void connect().catch(again);
  const again = () => {
    if (!ended) retry = setTimeout(attempt, RETRY).unref();
  };

  attempt();
  return () => {
    ended = true;
    clearTimeout(retry);
    // Without a farewell: a server that does not answer it would keep the process.
    for (const socket of sockets) socket.destroy();
  };
}

const POOLED =
  "DATABASE_URL leads to a pooler in transaction mode, which passes no notifications on: changes that other servers make are seen within 1 s instead of milliseconds";

type Opened = { client: pg.Client; close: () => void };

/**
 * Whether a client has one session of PostgreSQL to itself for as long as it is connected: directly, or by a pooler in
 * session mode. In transaction mode a pooler gives the session that the client has just used to the next one that
 * begins a transaction, and then another one to this client. To listen there would leave the session listening
 * for others.
 */
async function keepsSession(client: pg.Client, open: () => Promise<Opened>): Promise<boolean> {
  const { processID } = client as { processID?: number };
  if ((await backendOf(client)) === processID) return true;
  const other = await open();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const mine = await backendOf(client);
      await other.client.query("begin");
      const theirs = await backendOf(other.client);
      const isMineStill = (await backendOf(client)) === mine;
      await other.client.query("rollback");
      if (theirs === mine || !isMineStill) return false;
    }
    return true;
  } finally {
    other.close();
  }
}

/** Other programs may take the session in between, so one round may show nothing. */
const ROUNDS = 5;

async function backendOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}
