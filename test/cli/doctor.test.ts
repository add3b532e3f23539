import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import Database from "libsql";
import pino from "pino";
import { describe, expect, it, test } from "vitest";
import { assessClock, assessDatabase, assessFolder } from "../../src/cli/doctor/assess-data.ts";
import { assessIssuer, assessServer } from "../../src/cli/doctor/assess-server.ts";
import { assessNode, assessProxy } from "../../src/cli/doctor/assess-setup.ts";
import { type ExamineOptions, examine } from "../../src/cli/doctor/examine.ts";
import type { Check } from "../../src/cli/doctor/finding.ts";
import { createTokenServer } from "../../src/index.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { mintmark } from "../support/command.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { freePort } from "../support/process.ts";
import { send } from "../support/request.ts";
import { makeData, temporaryFolder } from "../support/service.ts";
import { openSmallDisk } from "../support/small-disk.ts";

const engines = ">=20.19";
const DAY = 86_400_000;
const SECRET = "a-secret-of-at-least-32-characters";

type Environment = Record<string, string>;

/** Examines an environment, and gives the finding of one check. */
async function findingOf(check: Check, environment: Environment, options: Partial<ExamineOptions> = {}) {
  const findings = await examine({ environment, engines, ...options });
  return findings.find((finding) => finding.check === check);
}

/** A server on data of its own, and the environment that describes both. */
async function startService(options: TokenServiceOptions = {}, trustProxy: string[] = []) {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  const service = await createTokenService({ ...options, store: await openSqliteStore(data) });
  const logger = pino({ level: "silent" });
  const server = await createTokenServer(service, { port: 0, logger, trustProxy });
  const environment: Environment = { MINTMARK_DATA: data, PORT: new URL(server.origin).port };
  return {
    service,
    environment,
    url: server.origin,
    async [Symbol.asyncDispose]() {
      await server.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Data without a server, on a port at which nothing listens. */
async function withData(options: TokenServiceOptions = {}) {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  await makeData(data, options);
  const environment: Environment = { MINTMARK_DATA: data, PORT: await freePort() };
  return { data, environment, [Symbol.dispose]: folder[Symbol.dispose] };
}

/** Another program that answers by HTTP. */
async function startOther(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port: String(port),
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("mintmark doctor", () => {
  it("finds nothing wrong with a server that runs in its environment", async () => {
    await using running = await startService();
    const findings = await examine({ environment: running.environment, engines });
    expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      ...["node", "environment", "settings", "folder", "database", "keys"],
      ...["clock", "server", "issuer", "proxy", "access", "admin"],
    ]);
  });

  it("warns before the first start of nothing but that no server runs", async () => {
    using folder = temporaryFolder();
    const findings = await examine({
      environment: { MINTMARK_DATA: join(folder.path, "none"), PORT: await freePort() },
      engines,
    });
    expect(findings.filter(({ state }) => state !== "ok").map(({ check, state }) => [check, state])).toEqual([
      ["server", "warn"],
    ]);
    expect(findings.find(({ check }) => check === "database")?.message).toMatch(/first start of a server creates it$/);
  });

  it("prints a line for each check, what to do, and nothing secret; exit status 1 if one failed", async () => {
    using stopped = await withData({ kek: Buffer.alloc(32, 1) });
    const kek = randomBytes(32).toString("base64url");
    const environment = { ...stopped.environment, MINTMARK_KEK: kek, MINTMARK_ADMIN_SECRET: `canary-${SECRET}` };
    const [text, json] = await Promise.all([
      mintmark(["doctor"], { environment }),
      mintmark(["doctor", "--json"], { environment }),
    ]);
    expect([text.status, json.status, text.stderr, json.stderr]).toEqual([1, 1, "", ""]);
    expect(text.stdout).toMatch(/^fail {2}keys {9}MINTMARK_KEK is not the key[^\n]+\n {19}set that one$/m);
    const findings = JSON.parse(json.stdout);
    expect(findings).toContainEqual({ check: "environment", state: "ok", message: "The variables are valid" });
    for (const printed of [text.stdout, json.stdout]) {
      expect(printed).not.toMatch(new RegExp(`canary|${kek}|\n {4}at `));
      expect(printed).not.toContain("undefined");
    }
  });

  it("refuses a --url that no service has, in one line", async () => {
    expect(await mintmark(["doctor", "--url", "https://user:canary@tokens.example"])).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^mintmark: --url must have no password[^\n]+\n$/),
    });
  });

  it("ends within its limit where neither the database nor the server answers", async () => {
    const silent = createTcpServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const environment = {
      DATABASE_URL: `postgres://u:canary@127.0.0.1:${port}/m`,
      MINTMARK_KEK: "none",
      PORT: `${port}`,
    };
    const startedAt = performance.now();
    const findings = await examine({ environment, engines, limitMs: 500 });
    expect(performance.now() - startedAt).toBeLessThan(4000);
    silent.close();
    const find = (check: Check) => findings.find((finding) => finding.check === check);
    expect(find("database")).toEqual({
      check: "database",
      state: "fail",
      message: `The database in postgres://127.0.0.1:${port}/m gives no answer within 0.4 s`,
      remedy: "check that it runs, and the network",
    });
    expect(find("keys")).toMatchObject({ state: "warn", message: expect.stringMatching(/^Not checked, since/) });
    expect(find("server")).toMatchObject({ state: "fail", message: expect.stringMatching(/within 0.5 s$/) });
  });
});

describe("node", () => {
  it.each([
    ["20.19.0", "ok"],
    ["24.1.0", "ok"],
    ["20.18.3", "fail"],
    ["18.20.4", "fail"],
  ])("%s is %s", (version, state) => {
    expect(assessNode(version, engines)).toMatchObject({ state });
  });
});

describe("environment", () => {
  it.each([
    [{ MINTMARK_TLT: "60" }, /^MINTMARK_TLT is not a variable/],
    [{ MINTMARK_KEK: "canary" }, /^MINTMARK_KEK must be 32 bytes/],
    [{ MINTMARK_TTL: "60", MINTMARK_MAX_TTL: "30" }, /^MINTMARK_TTL must be at most/],
    [{ DATABASE_URL: "postgres://h/m" }, /^MINTMARK_KEK must be set with DATABASE_URL/],
  ])("%j fails", async (environment, message) => {
    const finding = await findingOf("environment", environment);
    expect(finding).toMatchObject({
      state: "fail",
      message: expect.stringMatching(message),
      remedy: expect.any(String),
    });
    expect(JSON.stringify(finding)).not.toContain("canary");
  });

  it("that is wrong does not keep the server at --url from being checked", async () => {
    await using running = await startService();
    const found = await findingOf("server", { MINTMARK_TLT: "60" }, { url: running.url });
    expect(found).toMatchObject({ state: "ok" });
  });
});

describe("settings", () => {
  it("warns of what a start with this environment would change", async () => {
    using stopped = await withData({ ttl: 60 });
    expect(await findingOf("settings", { ...stopped.environment, MINTMARK_ALG: "ES384" })).toMatchObject({
      state: "warn",
      message: expect.stringMatching(/MINTMARK_ALG from ES256 to ES384, MINTMARK_TTL from 60 to 900/),
    });
  });
});

describe("folder", () => {
  it("warns that others could read it, once: opening it restricts it", async () => {
    using stopped = await withData();
    chmodSync(stopped.data, 0o755);
    expect(await findingOf("folder", stopped.environment)).toMatchObject({
      state: "warn",
      message: `${stopped.data} was accessible to other users until this command restricted it`,
    });
    expect(statSync(stopped.data).mode & 0o777).toBe(0o700);
    expect(await findingOf("folder", stopped.environment)).toMatchObject({ state: "ok" });
  });

  it("warns that all users can read what belongs to another user", () => {
    expect(assessFolder({ folder: "/d", before: [], after: ["/d/mintmark.db"] })).toMatchObject({
      state: "warn",
      remedy: "let its owner run  chmod -R o-rwx /d",
    });
  });
});

const canMount = () => {
  using disk = openSmallDisk(1);
  return disk.canBeFull;
};
const withMounts = canMount() ? test : test.skip;

describe("database", () => {
  it("fails where the file is no database", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "mintmark.db"), "not a database".repeat(100));
    expect(await findingOf("database", { MINTMARK_DATA: folder.path })).toMatchObject({ state: "fail" });
  });

  it("fails where an earlier release made the schema, and no other check uses the data", async () => {
    using stopped = await withData();
    const database = new Database(join(stopped.data, "mintmark.db"));
    database.exec("delete from mintmark_migration where name = (select max(name) from mintmark_migration)");
    database.close();
    const findings = await examine({ environment: stopped.environment, engines });
    expect(findings).toContainEqual({
      check: "database",
      state: "fail",
      message: "The database has the schema of an earlier Mintmark release",
      remedy: "start the server of this release first",
    });
    expect(findings.find(({ check }) => check === "keys")).toMatchObject({ state: "warn" });
  });

  it("fails where the folder holds other files", async () => {
    using stopped = await withData();
    writeFileSync(join(stopped.data, "notes.txt"), "");
    expect(await findingOf("database", stopped.environment)).toMatchObject({
      state: "fail",
      remedy: "name an empty folder or a new one",
    });
  });

  withMounts("fails where its disk is read-only", async () => {
    using stopped = await withData();
    using readOnly = temporaryFolder();
    execFileSync("mount", ["--bind", stopped.data, readOnly.path]);
    try {
      execFileSync("mount", ["-o", "remount,bind,ro", readOnly.path]);
      const environment = { ...stopped.environment, MINTMARK_DATA: readOnly.path };
      const { status, stdout } = await mintmark(["doctor", "--json"], { environment });
      expect(status).toBe(1);
      expect(JSON.parse(stdout)).toContainEqual({
        check: "database",
        state: "fail",
        message: expect.stringMatching(/ \((EROFS|SQLITE_\w+)\)/),
        remedy: expect.stringMatching(/writ/),
      });
    } finally {
      execFileSync("umount", [readOnly.path]);
    }
  });

  withMounts("fails where its disk is full while a server runs", async () => {
    using disk = openSmallDisk(4);
    const MINTMARK_DATA = join(disk.path, "data");
    mkdirSync(MINTMARK_DATA);
    const service = await createTokenService({ store: await openSqliteStore(MINTMARK_DATA) });
    disk.fill();
    const database = new Database(join(MINTMARK_DATA, "mintmark.db"));
    expect(await findingOf("database", { MINTMARK_DATA, PORT: await freePort() })).toMatchObject({ state: "fail" });
    database.close();
    disk.empty();
    await service.close();
  });

  it("warns where it is slow, and of what a server would log about it", () => {
    const evidence = { place: "MINTMARK_DATA", ms: 1, fault: undefined, notices: [] };
    expect(assessDatabase({ ...evidence, ms: 300 })).toMatchObject({ state: "warn" });
    const notices = ["The database has the encoding LATIN1: move it to a database with the encoding UTF8"];
    expect(assessDatabase({ ...evidence, notices })).toMatchObject({
      state: "warn",
      remedy: "move it to a database with the encoding UTF8",
    });
    expect(assessDatabase({ ...evidence, fault: "It is full: free space" })).toMatchObject({ state: "fail" });
  });
});

describe("keys", () => {
  const kek = Buffer.alloc(32, 1);
  const other = Buffer.alloc(32, 2).toString("base64url");

  it.each([
    ["were encrypted with another key-encryption key", [{ kek }, { MINTMARK_KEK: other }], "set that one"],
    ["are encrypted, without a key-encryption key", [{ kek }, {}], /^set MINTMARK_KEK to the key/],
    ["are not encrypted, with one", [{}, { MINTMARK_KEK: other }], /^run {2}mintmark keys rewrap/],
  ] as const)("fail where they %s", async (_, [options, environment], remedy) => {
    using stopped = await withData(options);
    const finding = await findingOf("keys", { ...stopped.environment, ...environment });
    expect(finding).toMatchObject({ state: "fail", remedy: expect.stringMatching(remedy) });
  });

  it("are ok until a rotation is overdue, which fails", async () => {
    using stopped = await withData();
    const at = (days: number) =>
      findingOf("keys", stopped.environment, { now: () => Date.now() + days * DAY }).then((finding) => finding?.state);
    expect([await at(0), await at(29.9), await at(30)]).toEqual(["ok", "ok", "fail"]);
    const soon = { ...stopped.environment, MINTMARK_ROTATION: "1320" };
    const late = await findingOf("keys", soon, { now: () => Date.now() + 1000 * (1320 - 660 + 200) });
    expect(late).toMatchObject({ state: "fail", message: expect.stringMatching(/^The next key is overdue/) });
  });

  it("are ok with the next one published", async () => {
    using stopped = await withData();
    await mintmark(["keys", "rotate"], { environment: stopped.environment });
    expect(await findingOf("keys", stopped.environment)).toMatchObject({
      state: "ok",
      message: expect.stringMatching(/signs, 2 published; the next key is published and signs from \d{4}-/),
    });
  });

  it("warn where the data is that of another shared secret, or of key pairs", async () => {
    using secret = await withData({ secret: SECRET });
    using pairs = await withData();
    const stateOf = async (environment: Environment) => (await findingOf("keys", environment))?.state;
    expect(await stateOf({ ...secret.environment, MINTMARK_SECRET: SECRET })).toBe("ok");
    expect(await stateOf({ ...secret.environment, MINTMARK_SECRET: `${SECRET}!` })).toBe("warn");
    expect(await stateOf(secret.environment)).toBe("warn");
    expect(await stateOf({ ...pairs.environment, MINTMARK_SECRET: SECRET })).toBe("warn");
  });
});

describe("clock", () => {
  it("fails where it is an hour ahead of the server's", async () => {
    await using running = await startService();
    const now = () => Date.now() + 3_600_000;
    expect(await findingOf("clock", running.environment, { now })).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/^This machine's clock is 3[56]\d\d s ahead of the server's clock/),
    });
  });

  it("fails where it is behind the latest change of the embedded database", async () => {
    using stopped = await withData();
    const now = () => Date.now() - 3_600_000;
    expect(await findingOf("clock", stopped.environment, { now })).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/ s behind the latest change of the data/),
    });
  });

  it.each([
    [10, undefined, "ok"],
    [-30, undefined, "warn"],
    [60, undefined, "warn"],
    [-61, 0, "fail"],
    [0, 61, "fail"],
    [undefined, undefined, "ok"],
  ])(
    "%s s ahead of PostgreSQL's clock and %s s ahead of the server's is %s",
    (aheadOfPostgres, aheadOfServer, state) => {
      expect(assessClock({ aheadOfPostgres, aheadOfServer, aheadOfLatestChange: undefined })).toMatchObject({ state });
    },
  );

  it("may be long after the latest change", () => {
    const evidence = { aheadOfPostgres: undefined, aheadOfServer: undefined, aheadOfLatestChange: 1_000_000 };
    expect(assessClock(evidence)).toMatchObject({ state: "ok" });
  });
});

describe("server", () => {
  it("fails where none answers on the data", async () => {
    using stopped = await withData();
    expect(await findingOf("server", stopped.environment)).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/cannot be reached \(ECONNREFUSED\): the connection was refused$/),
    });
  });

  it("warns where one runs on other data than there is here", async () => {
    await using running = await startService();
    using folder = temporaryFolder();
    const environment = { ...running.environment, MINTMARK_DATA: join(folder.path, "none") };
    expect(await findingOf("server", environment)).toMatchObject({ state: "warn" });
  });

  it("fails while it drains", async () => {
    await using running = await startService();
    running.service.drain();
    expect(await findingOf("server", running.environment)).toMatchObject({
      state: "fail",
      message: `The server at ${running.url} is not ready: it is about to stop`,
    });
  });

  it.each([
    ["store", "unavailable"],
    ["store", "not_writable"],
    ["store", "replaced"],
    ["store", "damaged"],
    ["keys", "unavailable"],
    ["rotation", "failing"],
    ["trust", "stale"],
    ["clock", "behind"],
    ["server", "draining"],
    ["other", "odd"],
  ])("fails and says what to do where %s is %s", (check, state) => {
    const body = JSON.stringify({ status: "not ready", checks: { server: "ok", [check]: state } });
    const finding = assessServer("http://s", { status: 503, body, date: undefined }, true);
    expect(finding).toMatchObject({ state: "fail", remedy: expect.stringMatching(/.../) });
    expect(finding.message.includes(`: ${check} is ${state}`)).toBe(check === "other");
  });

  it("warns of background work that fails", () => {
    const body = JSON.stringify({ status: "ready", checks: { store: "ok" }, failing: ["prune_audit"] });
    const finding = assessServer("http://s", { status: 200, body, date: undefined }, true);
    expect(finding).toMatchObject({ state: "warn", message: expect.stringContaining("prune_audit") });
  });

  it.each([
    [503, "Starting", /is starting/],
    [200, "<html>", /is not Mintmark \(status 200\)$/],
    [302, "", /is not Mintmark \(status 302\)$/],
  ])("fails where something answers %i %j", async (status, body, message) => {
    using other = await startOther((_, response) => response.writeHead(status, { location: "/login" }).end(body));
    using stopped = await withData();
    const finding = await findingOf("server", { ...stopped.environment, PORT: other.port });
    expect(finding).toMatchObject({ state: "fail", message: expect.stringMatching(message) });
  });

  it("that another program claims to be, by a body without an end, fails within the limit", async () => {
    using other = await startOther((_, response) => void response.write("{".repeat(100_000)));
    expect(await findingOf("server", {}, { url: other.url, limitMs: 1000 })).toMatchObject({ state: "fail" });
  });
});

describe("issuer", () => {
  it("fails where another service answers there", async () => {
    await using other = await startService();
    using stopped = await withData({ issuer: other.url });
    const environment = { ...stopped.environment, MINTMARK_ISSUER: other.url };
    expect(await findingOf("issuer", environment)).toMatchObject({
      state: "fail",
      message: `Another service answers at the issuer ${other.url}: its keys are others`,
    });
    using secret = await withData({ issuer: other.url, secret: SECRET });
    const shared = { ...secret.environment, MINTMARK_ISSUER: other.url, MINTMARK_SECRET: SECRET };
    expect(await findingOf("issuer", shared)).toMatchObject({ state: "fail" });
  });

  it("is ok with a shared secret, whose set is empty", async () => {
    await using running = await startService({ secret: SECRET });
    expect(await findingOf("issuer", { ...running.environment, MINTMARK_SECRET: SECRET })).toMatchObject({
      state: "ok",
    });
  });

  it("fails where it redirects, and is not followed", async () => {
    await using running = await startService();
    using other = await startOther(({ url }, response) =>
      response.writeHead(308, { location: `${running.url}${url}` }).end(),
    );
    using stopped = await withData({ issuer: other.url });
    expect(await findingOf("issuer", stopped.environment)).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/redirect \(308\)/),
    });
  });

  it.each([
    [["b"], "a", "fail"],
    [["a"], "a", "warn"],
    [["a", "b", "c"], "a", "warn"],
    [["a", "b"], "a", "ok"],
  ])("that serves %j of a and b gives, while %s signs, %s", (served, signing, state) => {
    const body = JSON.stringify({ keys: served.map((kid) => ({ kid, kty: "EC" })) });
    const answer = { status: 200, body, date: undefined };
    expect(assessIssuer({ issuer: "http://i", answer, kids: ["a", "b"], signing })).toMatchObject({ state });
  });

  it.each([
    [404, ""],
    [200, "<html>"],
    [200, '{"keys":{}}'],
  ])("fails where it answers %i %j", (status, body) => {
    const answer = { status, body, date: undefined };
    expect(assessIssuer({ issuer: "http://i", answer, kids: ["a"], signing: "a" })).toMatchObject({ state: "fail" });
  });
});

describe("proxy", () => {
  const setup = (issuer: string, trustProxy: string[] = [], host = "127.0.0.1") =>
    assessProxy({ issuer, config: { host, port: 3000, trustProxy }, refused: undefined }).state;

  it("warns where the issuer points to one and none is trusted", () => {
    expect(setup("https://tokens.example")).toBe("warn");
    expect(setup("http://tokens.internal")).toBe("warn");
    expect(setup("http://tokens.internal", [], "10.0.0.5")).toBe("warn");
    expect(setup("https://tokens.example", ["loopback"])).toBe("ok");
    expect(setup("http://127.0.0.1:3000")).toBe("ok");
    expect(setup("http://localhost:8080")).toBe("ok");
    expect(setup("http://tokens.internal:3000", [], "0.0.0.0")).toBe("ok");
  });

  it("is verified by the addresses of refused calls", async () => {
    const issuer = "https://tokens.example";
    await using running = await startService({ issuer, open: false }, ["loopback"]);
    const { service, url, environment } = running;
    const behind = { ...environment, MINTMARK_ISSUER: issuer, MINTMARK_TRUST_PROXY: "loopback" };
    const refuse = async (headers: Record<string, string>) => {
      const authorization = `Basic ${Buffer.from("nobody:wrong").toString("base64")}`;
      await send(`${url}/trpc/getToken`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization, ...headers },
        body: "{}",
      });
      await service.maintenance();
      return findingOf("proxy", behind);
    };
    expect(await findingOf("proxy", behind)).toMatchObject({ message: expect.stringMatching(/not verified/) });
    expect(await refuse({})).toMatchObject({ state: "warn", remedy: expect.stringContaining("X-Forwarded-For") });
    expect(await refuse({ "x-forwarded-for": "203.0.113.9" })).toMatchObject({
      state: "ok",
      message: expect.stringMatching(/^The proxy forwards addresses/),
    });
  });
});

describe("access and admin", () => {
  it("warn of open access with an issuer of another host", async () => {
    using stopped = await withData({ issuer: "https://tokens.example" });
    expect(await findingOf("access", stopped.environment)).toMatchObject({ state: "warn" });
    expect(await findingOf("access", { ...stopped.environment, MINTMARK_ACCESS: "clients" })).toMatchObject({
      state: "ok",
    });
  });

  it("warn of the administrator of a variable that is not set any more", async () => {
    await using running = await startService();
    await running.service.clients.ensureAdmin(SECRET);
    expect(await findingOf("admin", running.environment)).toMatchObject({
      state: "warn",
      remedy: expect.stringContaining("mintmark clients remove admin"),
    });
    expect(await findingOf("admin", { ...running.environment, MINTMARK_ADMIN_SECRET: SECRET })).toMatchObject({
      state: "ok",
    });
  });
});

describePostgres("on PostgreSQL", () => {
  it("compares clocks, finds the tables or none, and fails where the database is read-only", async () => {
    const url = await sharedPostgres.newDatabase();
    const environment = { DATABASE_URL: url, MINTMARK_KEK: "none", PORT: await freePort() };
    expect(await findingOf("database", environment)).toMatchObject({
      state: "ok",
      message: expect.stringMatching(/first start/),
    });
    const { openPostgresStore } = await import("../../src/store/postgres/postgres.ts");
    const service = await createTokenService({ store: await openPostgresStore(url) });
    await service.close();
    const findings = await examine({ environment, engines, now: () => Date.now() + 3_600_000 });
    const find = (check: Check) => findings.find((finding) => finding.check === check);
    expect(find("clock")).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/ahead of PostgreSQL's clock/),
    });
    expect(find("database")).toMatchObject({ state: "ok" });
    expect(find("database")?.message).not.toContain(new URL(url).password);
    const name = new URL(url).pathname.slice(1);
    await sharedPostgres.query(`alter database ${name} set default_transaction_read_only = on`, url);
    expect(await findingOf("database", environment)).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/\(25006\): it is read-only$/),
    });
  });
});
