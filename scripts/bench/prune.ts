import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { openPostgres } from "../../src/store/postgres/postgres.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { temporaryFolder } from "../../test/support/service.ts";
import type { PruneEvent, PruneServerPlan } from "./prune-server.ts";
import { inMilliseconds, progress, type Report } from "./support.ts";
import { call, connectTo } from "./wire.ts";

const RECORDS = Number(process.env.MINTMARK_BENCH_RECORDS ?? 2_000_000);
/** Records inserted by one statement. */
const CHUNK = 100_000;

/** Calls a second. */
const VERIFICATIONS = 100;
const TOKENS = 20;
/** More than are ever in use: a call without one counts as refused. */
const CONNECTIONS = 200;
/** Time under load before the deletion, for comparison, in milliseconds. */
const BEFORE_MS = 20_000;

/** Deletes two million old audit records under load, on each database. Measures latency meanwhile, and the delay of a key that is due. */
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

/** Inserts records of a year ago. Their indexes are like those of a busy service. */
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
  const events = new Map<PruneEvent["name"], PruneEvent>();
  server.on("message", (event: PruneEvent) => events.set(event.name, event));
  const next = async (name: PruneEvent["name"]): Promise<PruneEvent> => {
    for (;;) {
      const event = events.get(name);
      if (event !== undefined) return event;
      await once(server, "message");
    }
  };
  server.send(plan);
  const { port = 0 } = await next("listening");
  const load = await startLoad(port);
  await sleep(BEFORE_MS);
  const before = load.take();
  progress(`${name}: before ${inMilliseconds(before.verifyToken)}`);
  server.send("prune");
  const { seconds = 0, left = 0, longest = 0 } = await next("pruned");
  const meanwhile = load.take();
  const rotation = await next("rotated");
  await load.end();
  server.send("close");
  await once(server, "exit");
  return {
    [`${name}: ${RECORDS} records deleted within`]: `${seconds.toFixed(0)} s, ${left} left`,
    [`${name}: verifications before`]: inMilliseconds(before.verifyToken),
    [`${name}: verifications meanwhile`]: inMilliseconds(meanwhile.verifyToken),
    [`${name}: tokens before`]: inMilliseconds(before.getToken),
    [`${name}: tokens meanwhile`]: inMilliseconds(meanwhile.getToken),
    [`${name}: longest turn of the server's event loop, by processor time`]: `${longest.toFixed(0)} ms`,
    [`${name}: refused calls`]: String(before.refused + meanwhile.refused),
    [`${name}: next key after it was due`]: `${(rotation.seconds ?? 0).toFixed(0)} s`,
  };
}

/** Calls a server at a constant rate, whatever its latency. */
async function startLoad(port: number) {
  const none = () => ({ verifyToken: [] as number[], getToken: [] as number[], refused: 0 });
  let latencies = none();
  const free = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectTo(port)));
  const [first] = free;
  const { data } = first ? await call(first, "getToken", { subject: "ada" }) : {};

  async function send(procedure: "verifyToken" | "getToken", input: object): Promise<void> {
    const start = performance.now();
    // The least recently used: the server closes an idle connection.
    const connection = free.shift();
    const status = connection && (await call(connection, procedure, input)).status;
    if (connection) free.push(connection);
    if (status === 200) latencies[procedure].push(performance.now() - start);
    else latencies.refused += 1;
  }

  const timers = [
    setInterval(() => send("verifyToken", { token: data?.token }), 1000 / VERIFICATIONS),
    setInterval(() => send("getToken", { subject: "ada" }), 1000 / TOKENS),
  ];
  return {
    /** Latencies, in milliseconds, and refused calls since the last call of this. */
    take() {
      const taken = latencies;
      latencies = none();
      return taken;
    },
    async end(): Promise<void> {
      for (const timer of timers) clearInterval(timer);
      while (free.length < CONNECTIONS) await sleep(10);
      for (const connection of free) connection.end();
    },
  };
}
