import { execFileSync } from "node:child_process";
import { startPostgres } from "../../test/support/postgres.ts";
import { MINTMARK, type Running, startContender } from "./contenders.ts";
import { inTables } from "./results.ts";
import { load, type Row } from "./rounds.ts";
import { progress, quantile, type Report, SERVER_CORE } from "./support.ts";
import { usageOf } from "./usage.ts";

/** Connections to all servers together. */
const CONNECTIONS = 32;
const ROUNDS = 4;
const SECONDS = 1.5;

/** Issuance with one server and with two on one PostgreSQL: all of them share a processor. */
export async function measure(): Promise<Report> {
  await using postgres = await startPostgres();
  const database = await prepare(postgres.query);
  const url = await postgres.newDatabase();
  const servers: Running[] = [];
  const rows: Row[] = [];
  const report: Report = {};
  try {
    for (const name of ["one server", "two servers"]) {
      servers.push(await startContender(MINTMARK, { DATABASE_URL: url, MINTMARK_KEK: "none" }));
      const { ofDatabase, answered: _, ...row } = await measureMedians(servers, database);
      rows.push({ name, ...row });
      report[`${name}: statements a token`] = (await countStatements(servers, database, postgres.query)).toFixed(3);
      report[`${name}: PostgreSQL's processor time a token`] = `${ofDatabase.toFixed(1)} µs`;
      progress(name);
    }
    return inTables("postgres", [{ title: "getToken on PostgreSQL", unit: "tokens", rows }], report);
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
  }
}

type Query = Awaited<ReturnType<typeof startPostgres>>["query"];
type Measured = Omit<Row, "name"> & { answered: number; ofDatabase: number };

/** Has commits synced, and PostgreSQL run on the processor of the servers. Returns the id of its process. */
async function prepare(query: Query): Promise<number> {
  await query("alter system set fsync = on");
  await query("select pg_reload_conf()");
  const [file] = await query("select pg_read_file('postmaster.pid') as text");
  const pid = Number.parseInt(String(file?.text), 10);
  execFileSync("taskset", ["-acp", SERVER_CORE, String(pid)], { stdio: "ignore" });
  return pid;
}

async function measureMedians(servers: readonly Running[], database: number): Promise<Measured> {
  const all: Measured[] = [];
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const measured = await loadAll(servers, database);
    if (round > 0) all.push(measured);
  }
  const median = (of: (one: Measured) => number) => quantile(all.map(of), 0.5);
  return {
    answered: median((one) => one.answered),
    perSecond: median((one) => one.perSecond),
    cpu: median((one) => one.cpu),
    p50: median((one) => one.p50),
    p99: median((one) => one.p99),
    memory: median((one) => one.memory),
    ofDatabase: median((one) => one.ofDatabase),
  };
}

async function loadAll(servers: readonly Running[], database: number, seconds = SECONDS): Promise<Measured> {
  const usage = () => servers.map(({ pid }) => usageOf(pid).cpu).reduce((sum, cpu) => sum + cpu, 0);
  const [before, beforeOfDatabase] = [usage(), usageOf(database).cpu];
  const reports = await Promise.all(
    servers.map((running) =>
      load({ port: running.port, connections: CONNECTIONS / servers.length, seconds, requests: [running.issue()] }),
    ),
  );
  const sum = (of: (report: (typeof reports)[number]) => number) => reports.reduce((all, one) => all + of(one), 0);
  const answered = sum((one) => one.answered);
  return {
    answered,
    perSecond: sum((one) => one.answered / one.seconds),
    cpu: (usage() - before) / answered,
    p50: sum((one) => one.p50) / servers.length,
    p99: Math.max(...reports.map((one) => one.p99)),
    memory: servers.map(({ pid }) => usageOf(pid).memory).reduce((all, one) => all + one, 0),
    ofDatabase: (usageOf(database).cpu - beforeOfDatabase) / answered,
  };
}

const LOG = "current_setting('data_directory') || '/../log'";

/** Statements that PostgreSQL logs in a run of its own, for a token. */
async function countStatements(servers: readonly Running[], database: number, query: Query): Promise<number> {
  const logAll = async (which: "all" | "none") => {
    await query(`alter system set log_statement = '${which}'`);
    await query("select pg_reload_conf()");
  };
  await logAll("all");
  const [before] = await query(`select size from pg_stat_file(${LOG})`);
  const { answered } = await loadAll(servers, database, 1);
  await logAll("none");
  const found = `regexp_matches(pg_read_file(${LOG}, ${before?.size}, 999999999), 'LOG:  (statement|execute [^:]+): ', 'g')`;
  const [counted] = await query(`select count(*)::int as statements from ${found}`);
  return Number(counted?.statements) / answered;
}
