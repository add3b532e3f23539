import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { openPostgres } from "../../src/store/postgres/postgres.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { temporaryFolder } from "../../test/support/service.ts";
import { flowOfServer, ISSUER } from "./code-flows.ts";
import { ADMIN, MINTMARK, type Running, startContender } from "./contenders.ts";
import { performFlow } from "./flow.ts";
import { fillPeople } from "./full-people.ts";
import { type Entry, measureRounds } from "./rounds.ts";
import type { Report } from "./support.ts";
import { connectTo, get, post, postInput } from "./wire.ts";

const VARIABLES = {
  ...{ MINTMARK_ACCESS: "clients", MINTMARK_ADMIN_SECRET: ADMIN.clientSecret, MINTMARK_ISSUER: ISSUER },
  MINTMARK_SIGN_IN_URL: "http://127.0.0.1:9/sign-in",
  ...{ MINTMARK_RATE_ISSUE: "0", MINTMARK_RATE_ISSUE_ADDRESS: "0" },
  ...{ MINTMARK_RATE_VERIFY: "0", MINTMARK_RATE_VERIFY_ADDRESS: "0" },
};
const ONLY = process.env.MINTMARK_BENCH_DATABASE;

/** Processor time of the server for each call, with a million sessions and consents, against an empty database. */
export async function measure(): Promise<Report> {
  return {
    ...(ONLY !== "postgres" && (await measureSqlite())),
    ...(ONLY !== "sqlite" && (await measurePostgres())),
  };
}

async function measureSqlite(): Promise<Report> {
  const { path } = temporaryFolder();
  const folders = { empty: join(path, "empty"), full: join(path, "full") };
  const { db, close } = await openSqlite(folders.full);
  await fillPeople(db);
  await close();
  const report = await compare("SQLite", (name) => ({ MINTMARK_DATA: folders[name] }));
  rmSync(path, { recursive: true });
  return report;
}

async function measurePostgres(): Promise<Report> {
  await using postgres = await startPostgres();
  const urls = { empty: await postgres.newDatabase(), full: await postgres.newDatabase() };
  const { db, close } = await openPostgres(urls.full, { limit: 600_000 });
  await fillPeople(db);
  await close();
  // As autovacuum does within minutes.
  await postgres.query("vacuum analyze", urls.full);
  const MINTMARK_KEK = randomBytes(32).toString("base64url");
  return await compare("PostgreSQL", (name) => ({ DATABASE_URL: urls[name], MINTMARK_KEK }));
}

type Name = "empty" | "full";

async function compare(database: string, variablesOf: (name: Name) => Record<string, string>): Promise<Report> {
  const empty = await startContender(MINTMARK, { ...VARIABLES, ...variablesOf("empty") });
  const full = await startContender(MINTMARK, { ...VARIABLES, ...variablesOf("full") });
  try {
    const [calls, others] = [await callsOf(empty), await callsOf(full)];
    const report: Report = {};
    for (const [name, requests] of Object.entries(calls)) {
      const entries: Entry[] = [
        { name: "empty", running: empty, requests },
        { name: "full", running: full, requests: others[name] ?? [] },
      ];
      const [first, second] = await measureRounds(entries);
      if (first === undefined || second === undefined) continue;
      const ratio = (second.cpu / first.cpu).toFixed(3);
      report[`${database}: ${name}`] =
        `${first.cpu.toFixed(1)} µs empty · ${second.cpu.toFixed(1)} µs full · × ${ratio}`;
    }
    return report;
  } finally {
    await empty.stop();
    await full.stop();
  }
}

/** The calls, whose tokens are of the server. */
async function callsOf(running: Running): Promise<Record<string, Entry["requests"]>> {
  const flow = await flowOfServer(running, { admin: ADMIN });
  const connection = await connectTo(running.port);
  const { access_token: token = "" } = JSON.parse(await performFlow(connection, flow)) as { access_token?: string };
  connection.end();
  const issue = (more: object) => postInput("/trpc/getToken", { subject: "ada", scope: "orders:read", ...more }, ADMIN);
  const chain = (field: "token" | "refreshToken", path: string) => ({
    ...{ issue: issue({ refreshable: true }), field, path, by: ADMIN },
  });
  return {
    verifyToken: [postInput("/trpc/verifyToken", { token }, ADMIN)],
    getToken: [issue({})],
    "getToken and refreshToken": [chain("refreshToken", "/trpc/refreshToken")],
    "getToken and revokeToken": [chain("token", "/trpc/revokeToken")],
    "code flow": [flow],
    userinfo: [post("/oauth/userinfo", { body: "", headers: [`Authorization: Bearer ${token}`] })],
    "sessions.list": [get(`/trpc/sessions.list?input=${encodeURIComponent('{"subject":"ada"}')}`, "", ADMIN)],
  };
}
