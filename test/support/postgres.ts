import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { describe, test } from "vitest";
import { type Account, findPrograms, giveTo, preparePrograms, serverAccount } from "./postgres-programs.ts";
import { freePort } from "./process.ts";
import { continueAll, killAll, stopAll } from "./process-tree.ts";

export type Postgres = Awaited<ReturnType<typeof startPostgres>>;

/** Longest time for a start, which may have to recover from a crash, on a busy machine. In milliseconds. */
const START_DEADLINE = 30_000;

const SHUTDOWN = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;

/** Describes what needs PostgreSQL; where there is none it is skipped, and its name says so. */
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

/** The PostgreSQL of all tests in this process that leave it running. It is started when it is first asked for. */
export const sharedPostgres = {
  newDatabase: async () => (await shared()).newDatabase(),
  query: async (sql: string, url: string) => (await shared()).query(sql, url),
};

/**
 * Starts a real PostgreSQL with a new, empty cluster in a folder of its own, on a port that stays its own while it
 * is stopped. It and its folder are gone at the end of the block, and also if the tests' process dies before.
 * `alsoWith` names programs that must have come with it; they are in `bin`.
 */
export async function startPostgres(alsoWith: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-postgres-"));
  const guard = startGuard(folder);
  const account = serverAccount();
  const cluster = createCluster({ folder, account, port: await freePort(), alsoWith });
  let server = await startServer(cluster, guard);
  let databases = 0;

  const ended = async () => {
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    guard.stdin?.write("\n");
  };

  return {
    url: cluster.url("postgres"),
    bin: cluster.bin,
    /** Makes an empty database, and gives its URL. */
    async newDatabase(): Promise<string> {
      databases += 1;
      await query(cluster.url("postgres"), `create database test_${databases}`);
      return cluster.url(`test_${databases}`);
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
    /** Ends all its processes without warning, as the loss of power would. */
    async kill() {
      killAll(server);
      await ended();
    },
    /** Stops the clock for all its processes: connections stay open and are not answered. */
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

/** Waits until the tests' process has ended or let go of it, then stops the last server that it was given, and cleans up. */
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

type NewCluster = Pick<Cluster, "folder" | "account"> & { port: string; alsoWith: readonly string[] };
type Cluster = { folder: string; bin: string; account: Account; url: (database: string) => string };

/** Makes a cluster with the first PostgreSQL that can. Nothing here loses what the system has not written to its disk yet. */
function createCluster({ folder, account, port, alsoWith }: NewCluster): Cluster {
  const password = randomBytes(16).toString("hex");
  writeFileSync(join(folder, "password"), password);
  giveTo(account, folder);
  const options = ["-D", "data", "-U", "mintmark", "--pwfile=password", "-A", "scram-sha-256", "-E", "UTF8", "-N"];
  const failures: string[] = [];
  for (const programs of findPrograms(alsoWith)) {
    const bin = preparePrograms(programs, folder, account);
    const initdb = spawnSync(join(bin, "initdb"), [...options, "--locale=C"], { ...account, cwd: folder });
    if (initdb.status !== 0) {
      failures.push(`${bin}: ${initdb.error ?? initdb.stderr}`);
      continue;
    }
    const local = { port, listen_addresses: "127.0.0.1", unix_socket_directories: "" };
    const settings = { ...local, shared_buffers: "16MB", fsync: "off" };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(folder, "data/postgresql.conf"), lines.join(""));
    return { folder, bin, account, url: (name) => `postgres://mintmark:${password}@127.0.0.1:${port}/${name}` };
  }
  throw new Error(`No PostgreSQL could make a cluster: ${failures.join("\n")}`);
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
    // After a kill, the first attempts find memory that is in use until the last process has gone.
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
