import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { test } from "vitest";
import { guarded } from "./children.ts";
import { describePostgres } from "./postgres.ts";
import { giveTo, serverAccount } from "./postgres-programs.ts";
import { freePort } from "./process.ts";

/** The path of Debian. */
const PROGRAM = "/usr/sbin/pgbouncer";

/** Describes tests that need PostgreSQL and PgBouncer. Without them they are skipped, and their name says so. */
export function describePgbouncer(name: string, describeIt: () => void): void {
  if (existsSync(PROGRAM)) describePostgres(name, describeIt);
  else if (process.env.MINTMARK_TEST_PGBOUNCER !== "required")
    test.skip(`${name} (PgBouncer absent: skipped)`, () => {});
  else test(name, () => Promise.reject(new Error("PgBouncer is absent, and required")));
}

type Pooler = {
  /** The direct URL of a database behind the pooler. */
  url: string;
  mode: "session" | "transaction" | "statement";
  /** Connections to PostgreSQL. Default 20. */
  size?: number;
};

/** Starts PgBouncer in front of PostgreSQL. Returns the URL of the database through it. Stopped at the end of the block. */
export async function startPgbouncer({ url, mode, size = 20 }: Pooler) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-pgbouncer-"));
  const port = await freePort();
  const { hostname, port: behind, username, password } = new URL(url);
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    // Its pools are the subject, not its logins, which all take the time of its one thread.
    auth_type: "trust",
    auth_file: join(folder, "users"),
    pool_mode: mode,
    default_pool_size: size,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const databases = `[databases]\n* = host=${hostname} port=${behind}\n`;
  writeFileSync(join(folder, "pgbouncer.ini"), `${databases}[pgbouncer]\n${lines.join("\n")}\n`);
  writeFileSync(join(folder, "users"), `"${username}" "${password}"\n`);
  const account = serverAccount();
  giveTo(account, folder);
  const child = guarded(
    spawn(PROGRAM, [join(folder, "pgbouncer.ini")], { ...account, stdio: ["ignore", "pipe", "pipe"] }),
  );
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  const ended = once(child, "exit");
  const through = new URL(url);
  through.port = port;
  for (let pause = 0; !(await answers(through.href)); pause += 1) {
    if (child.exitCode !== null || pause > 200) throw new Error(`PgBouncer did not start: ${log}`);
    await sleep(25);
  }
  return {
    url: through.href,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
