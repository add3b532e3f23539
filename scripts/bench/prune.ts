import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { openPostgres } from "../../src/store/postgres/postgres.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { temporaryFolder } from "../../test/support/service.ts";
import type { PruneServerPlan, PruneTold } from "./prune-server.ts";
import { type Connection, connectTo } from "./soak-connection.ts";
import { inMilliseconds, progress, type Report } from "./support.ts";

const RECORDS = Number(process.env.MINTMARK_BENCH_RECORDS ?? 2_000_000);
/** Records that are inserted by one statement. */
const CHUNK = 100_000;

/** Calls a second. */
const VERIFICATIONS = 100;
const TOKENS = 20;
/** More than are ever in use: a call that found none would not be counted. */
const CONNECTIONS = 200;
/** How long the server is loaded before anything is deleted, for comparison, in milliseconds. */
const BEFORE = 20_000;

/** Deletes two million old audit records under load, on either database: what requests meanwhile take, and whether a key that is due then is made in time. */
export async function measure(): Promise<Report> {
  const report: Report = {};
  {
    await using postgres = await startPostgres();
    await postgres.query("alter system set fsync = on");
    await postgres.query("select pg_reload_conf()");
    const url = await postgres.newDatabase();
    await fill(await openPostgres(url, { limit: 600_000 }));
    Object.assign(report, await run("PostgreSQL", { url }));
  }
  const { path: folder } = temporaryFolder();
  await fill(await openSqlite(folder));
  Object.assign(report, await run("SQLite", { folder }));
  rmSync(folder, { recursive: true });
  return report;
}

/** Inserts records of a year ago, which make the same indexes as those of a busy service. */
async function fill({ db, close }: Awaited<ReturnType<typeof openSqlite>>): Promise<void> {
  const year = Math.floor(Date.now() / 1000) - 365 * 86_400;
  for (let from = 0; from < RECORDS; from += CHUNK) {
    const until = Math.min(from + CHUNK, RECORDS);
    await sql`
      with recursive numbers (n) as (select ${sql.lit(from)} union all select n + 1 from numbers where n + 1 < ${sql.lit(until)})
      insert into audit (id, at, client_id, action, outcome, subject, jti, kid)
      select cast(${sql.lit(100_000_000)} + n as text) || 'abcdefghijklmnop', ${sql.lit(year)} + n / 20,
        'client-' || cast(n % 100 as text), 'getToken', 'allowed', 'ada', 'jti' || cast(n as text), 'kid'
      from numbers`.execute(db);
  }
  await close();
  progress(`${RECORDS} audit records`);
}

async function run(name: string, plan: PruneServerPlan): Promise<Report> {
  const server = fork(new URL("./prune-server.ts", import.meta.url), { execArgv: ["--import", "tsx"] });
  const told: Partial<Record<PruneTold["what"], PruneTold>> = {};
  const next = (what: PruneTold["what"]) =>
    new Promise<PruneTold>((resolve) => {
      const hear = (message: PruneTold) => {
        told[message.what] = message;
        if (message.what !== what) return;
        server.off("message", hear);
        resolve(message);
      };
      server.on("message", hear);
    });
  server.send(plan);
  const { port = 0 } = await next("listening");
  const load = await startLoad(port);
  await sleep(BEFORE);
  const before = load.take();
  progress(`${name}: before ${inMilliseconds(before.verifications)}`);
  const rotated = next("rotated");
  server.send("prune");
  const { seconds = 0, left = 0, longest = 0 } = await next("pruned");
  const meanwhile = load.take();
  const rotation = await rotated;
  await load.end();
  server.send("close");
  await once(server, "exit");
  return {
    [`${name}: ${RECORDS} records deleted within`]: `${seconds.toFixed(0)} s, ${left} left`,
    [`${name}: verifications before`]: inMilliseconds(before.verifications),
    [`${name}: verifications meanwhile`]: inMilliseconds(meanwhile.verifications),
    [`${name}: tokens before`]: inMilliseconds(before.tokens),
    [`${name}: tokens meanwhile`]: inMilliseconds(meanwhile.tokens),
    [`${name}: longest turn of the server's event loop, by processor time`]: `${longest.toFixed(0)} ms`,
    [`${name}: refusals`]: String(before.refusals + meanwhile.refusals),
    [`${name}: next key after it was due`]: `${(rotation.seconds ?? 0).toFixed(0)} s`,
  };
}

type Taken = { verifications: number[]; tokens: number[]; refusals: number };

/** Calls a server at a steady rate, however long its answers take. */
async function startLoad(port: number) {
  let taken: Taken = { verifications: [], tokens: [], refusals: 0 };
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectTo(port)));
  const free = [...connections];
  const { data } = await (connections[0] as Connection).call("getToken", { subject: "ada" });

  async function call(procedure: string, input: object, times: (taken: Taken) => number[]): Promise<void> {
    const start = performance.now();
    // The one that was used longest ago: the server would close one that is never used.
    const connection = free.shift();
    if (connection === undefined) {
      taken.refusals += 1;
      return;
    }
    const { status } = await connection.call(procedure, input);
    free.push(connection);
    if (status !== 200) taken.refusals += 1;
    times(taken).push(performance.now() - start);
  }

  const timers = [
    setInterval(() => call("verifyToken", { token: data?.token }, (one) => one.verifications), 1000 / VERIFICATIONS),
    setInterval(() => call("getToken", { subject: "ada" }, (one) => one.tokens), 1000 / TOKENS),
  ];
  return {
    /** What came of the calls since the last time. */
    take(): Taken {
      const before = taken;
      taken = { verifications: [], tokens: [], refusals: 0 };
      return before;
    },
    async end(): Promise<void> {
      for (const timer of timers) clearInterval(timer);
      while (free.length < connections.length) await sleep(10);
      for (const connection of connections) connection.end();
    },
  };
}
