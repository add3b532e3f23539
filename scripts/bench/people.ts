import { rmSync } from "node:fs";
import { join } from "node:path";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openPostgres, openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqlite, openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import {
  addWebClient,
  authorizationRequest,
  codeFor,
  openBrowser,
  REDIRECT_URI,
  VERIFIER,
} from "../../test/support/people.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { temporaryFolder } from "../../test/support/service.ts";
import { ISSUER } from "./contenders.ts";
import { fillPeople } from "./full-people.ts";
import type { Report } from "./support.ts";

const ONLY = process.env.MINTMARK_BENCH_DATABASE;

/** Calls of a block, and blocks of each database, by turns. */
const BLOCK = 50;
const BLOCKS = Number(process.env.MINTMARK_BENCH_ROUNDS ?? 60);

type Calls = Record<string, () => Promise<unknown>>;
/** Microseconds of processor time on the embedded database; of elapsed time on PostgreSQL, which is another process. */
type Meter = () => number;

/**
 * What a million sign-in sessions and consents cost: use cases on a full database and on an empty one, in one process and in short
 * blocks by turns, since two processes differ by more than what is measured.
 */
export async function measure(): Promise<Report> {
  return {
    ...(ONLY !== "postgres" && (await measureSqlite())),
    ...(ONLY !== "sqlite" && (await measurePostgres())),
  };
}

async function measureSqlite(): Promise<Report> {
  const { path } = temporaryFolder();
  const [empty, full] = [join(path, "empty"), join(path, "full")];
  const { db, close } = await openSqlite(full);
  await fillPeople(db);
  await close();
  const meter = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const report = await compare("SQLite", {
    empty: await openSqliteStore(empty),
    full: await openSqliteStore(full),
    meter,
  });
  rmSync(path, { recursive: true });
  return report;
}

async function measurePostgres(): Promise<Report> {
  await using postgres = await startPostgres();
  const [empty, full] = [await postgres.newDatabase(), await postgres.newDatabase()];
  const { db, close } = await openPostgres(full, { limit: 600_000 });
  await fillPeople(db);
  await close();
  // As autovacuum does within minutes.
  await postgres.query("vacuum analyze", full);
  const stores = { empty: await openPostgresStore(empty), full: await openPostgresStore(full) };
  return await compare("PostgreSQL", { ...stores, meter: () => performance.now() * 1000 });
}

async function compare(
  database: string,
  { empty, full, meter }: { empty: Store; full: Store; meter: Meter },
): Promise<Report> {
  const services = [await openOn(empty), await openOn(full)] as const;
  const [ofEmpty, ofFull] = [await callsOf(services[0]), await callsOf(services[1])];
  const report: Report = {};
  for (const [name, call] of Object.entries(ofEmpty)) {
    const pair = [call, ofFull[name] ?? call] as const;
    const times = await blocksOf(pair, meter);
    const ratio = median(times.map(([one, other]) => other / one)).toFixed(3);
    const [before, after] = [0, 1].map((at) => (median(times.map((pair) => pair[at] ?? 0)) / BLOCK).toFixed(1));
    report[`${database}: ${name}`] = `${before} µs empty · ${after} µs full · × ${ratio}`;
  }
  for (const service of services) await service.close();
  return report;
}

/** Each pair of blocks lies close together in time, and begins with another database than the last one. */
async function blocksOf(pair: readonly [() => Promise<unknown>, () => Promise<unknown>], meter: Meter) {
  const times: [number, number][] = [];
  for (let block = -BLOCKS / 4; block < BLOCKS; block += 1) {
    const taken: [number, number] = [0, 0];
    for (const at of block % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const start = meter();
      for (let call = 0; call < BLOCK; call += 1) await pair[at]();
      taken[at] = meter() - start;
    }
    // The first ones warm up.
    if (block >= 0) times.push(taken);
  }
  return times;
}

const openOn = (store: Store): Promise<TokenService> =>
  createTokenService({ store, issuer: ISSUER, runsMaintenance: true });

async function callsOf(service: TokenService): Promise<Calls> {
  const { clientId, clientSecret } = await addWebClient(service, { firstParty: true });
  const third = await addWebClient(service);
  const browser = openBrowser(service);
  const exchange = async (client: { clientId: string; clientSecret: string }) => {
    const code = await codeFor(browser, authorizationRequest(client.clientId, { scope: "openid" }));
    const caller = await service.authenticate(client, undefined);
    return service.exchangeCode(caller, { code, redirectUri: REDIRECT_URI, verifier: VERIFIER, resources: [] });
  };
  await exchange(third);
  const { token } = await exchange({ clientId, clientSecret });
  const request = { subject: "ada", scope: "orders:read", claims: {}, refreshable: true } as const;
  return {
    verifyToken: () => service.verifyToken({ token }),
    getToken: () => service.getToken(localCaller, { ...request, refreshable: false }),
    "getToken and refreshToken": async () => {
      const { refreshToken = "" } = await service.getToken(localCaller, request);
      await service.refreshToken(localCaller, { refreshToken });
    },
    "getToken and revokeToken": async () => {
      const issued = await service.getToken(localCaller, request);
      await service.revokeToken(localCaller, issued.token);
    },
    "code flow": () => exchange({ clientId, clientSecret }),
    "code flow with a consent": () => exchange(third),
    "sessions.list": () => service.sessions.list(localCaller, { subject: "ada", limit: 50 }),
    "consents.list": () => service.consents.list(localCaller, "ada"),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1] ?? 0;
}
