import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { describe, test } from "vitest";
import { type Cluster, createCluster } from "./postgres-cluster.ts";
import { findPrograms, serverAccount } from "./postgres-programs.ts";
import { freePort } from "./process.ts";
import { continueAll, killAll, stopAll } from "./process-tree.ts";

export type Postgres = Awaited<ReturnType<typeof startPostgres>>;

/** Longest time for a start, which may have to recover from a crash, on a busy machine. In milliseconds. */
const START_DEADLINE = 30_000;

const SHUTDOWN = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;

/** Describes tests that need PostgreSQL. Without it they are skipped, and their name says so. */
export function describePostgres(name: string, describeIt: () => void): void {
  if (findPrograms().length > 0) describe(name, describeIt);
  else if (process.env.MINTMARK_TEST_POSTGRES !== "required")
    test.skip(`${name} (PostgreSQL absent: skipped)`, () => {});
  else test(name, () => Promise.reject(new Error("PostgreSQL is absent, and required")));
}

let running: Promise<Postgres> | undefined;
const shared = () => {
  running ??= startPostgres();
  return running;
};

/** One PostgreSQL for the tests of this process that do not stop it. Starts at the first use. */
export const sharedPostgres = {
  newDatabase: async () => (await shared()).newDatabase(),
  newStoreDatabase: async () => (await shared()).newStoreDatabase(),
  query: async (sql: string, url: string) => (await shared()).query(sql, url),
};

/**
 * Starts PostgreSQL with a new cluster in a folder of its own. Its port stays reserved while it is stopped. Removed at the
 * end of the block, and when the process of the tests dies. `alsoWith` names further programs that `bin` must have.
 */
export async function startPostgres(alsoWith: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-postgres-"));
  const guard = startGuard(folder);
  const account = serverAccount();
  const cluster = createCluster({ folder, account, port: await freePort(), alsoWith });
  let server = await startServer(cluster, guard);
  let databases = 0;
  let prepared: Promise<string> | undefined;

  async function newDatabase(template = "template1"): Promise<string> {
    databases += 1;
    await query(cluster.url("postgres"), `create database test_${databases} template ${template}`);
    return cluster.url(`test_${databases}`);
  }

  const ended = async () => {
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    guard.stdin?.write("\n");
  };

  return {
    url: cluster.url("postgres"),
    bin: cluster.bin,
    /** Creates an empty database. Returns its URL. */
    newDatabase: () => newDatabase(),
    /** Creates a database that a store was opened on once, without content: a copy takes a tenth of the CPU time of the migrations. */
    async newStoreDatabase(): Promise<string> {
      prepared ??= newDatabase().then(prepareStore);
      return newDatabase(await prepared);
    },
    /** Runs a statement as the administrator, in any database. */
    query: (sql: string, url = cluster.url("postgres")) => query(url, sql),
    async start() {
      server = await startServer(cluster, guard);
    },
    async stop(mode: keyof typeof SHUTDOWN) {
      server.kill(SHUTDOWN[mode]);
      await ended();
    },
    /** Kills all its processes, as a power failure does. */
    async kill() {
      killAll(server);
      await ended();
    },
    /** Suspends all its processes: connections stay open and get no response. */
    pause: () => stopAll(server),
    resume: () => continueAll(server),
    async [Symbol.asyncDispose]() {
      continueAll(server);
      guard.ref();
      guard.stdin?.end();
      await once(guard, "exit");
    },
  };
}

/** Makes the tables of a store in an empty database, and returns its name. */
async function prepareStore(url: string): Promise<string> {
  const { openPostgresStore } = await import("../../src/store/postgres/postgres.ts");
  await (await openPostgresStore(url)).close();
  return new URL(url).pathname.slice(1);
}

/** A shell that waits for the end of the process of the tests, or of its input, stops the last server and removes the folder. */
const GUARD = `
while read -r line; do server=$line; done
[ -n "$server" ] && kill -QUIT "$server" && kill -CONT "$server"
tries=0
while [ -n "$server" ] && kill -0 "$server" && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
rm -rf "$0"`;

function startGuard(folder: string): ChildProcess {
  const guard = spawn("sh", ["-c", GUARD, folder], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  guard.unref();
  return guard;
}

async function startServer({ folder, bin, account, url }: Cluster, guard: ChildProcess): Promise<ChildProcess> {
  const log = openSync(join(folder, "log"), "a");
  const launch = () => {
    const launched = spawn(join(bin, "postgres"), ["-D", join(folder, "data")], {
      ...account,
      cwd: folder,
      detached: true,
      stdio: ["ignore", log, log],
    });
    launched.unref();
    guard.stdin?.write(`${launched.pid}\n`);
    return launched;
  };
  let server = launch();
  const ready = async () => {
    // After a kill, starts fail while a remaining process still uses the shared memory.
    if (server.exitCode !== null) server = launch();
    await query(url("postgres"), "select 1");
  };
  const deadline = performance.now() + START_DEADLINE;
  for (;;) {
    try {
      await ready();
      return server;
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`PostgreSQL did not start: ${lastOf(folder)}`, { cause });
      await sleep(25);
    }
  }
}

function lastOf(folder: string): string {
  return readFileSync(join(folder, "log"), "utf8").slice(-2000);
}

/** Runs a statement on a connection of its own. */
async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
