import { randomBytes } from "node:crypto";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assessNode } from "../../src/cli/doctor/assess-setup.ts";
import { examine } from "../../src/cli/doctor/examine.ts";
import type { Check } from "../../src/cli/doctor/finding.ts";
import { mintmark } from "../support/command.ts";
import { engines, findingOf, SECRET, startOther, startService, withData } from "../support/doctor.ts";
import { openProvider } from "../support/openid-provider.ts";
import { freePort } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

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
    expect(find("server")).toMatchObject({ state: "fail", message: expect.stringMatching(/within 0.4 s$/) });
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
    [{ MINTMARK_TLT: "60" }, /^MINTMARK_TLT is no variable/],
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

describe("sign-in", () => {
  const CLIENT = { MINTMARK_SIGN_IN_CLIENT_ID: "mintmark", MINTMARK_SIGN_IN_CLIENT_SECRET: `canary-${SECRET}` };

  it("says which redirect URI the client at the provider needs, and what is wrong with the provider", async () => {
    using stopped = await withData();
    await using provider = await openProvider();
    const { issuer } = provider;
    const environment = { ...stopped.environment, ...CLIENT, MINTMARK_SIGN_IN_ISSUER: issuer };
    expect(await findingOf("sign-in", environment)).toEqual({
      check: "sign-in",
      state: "ok",
      message: `People sign in at ${issuer}, where the client must have the redirect URI http://127.0.0.1:${stopped.environment.PORT}/oauth/callback`,
    });
    provider.behave({ metadata: { issuer: "https://accounts.example" } });
    expect(await findingOf("sign-in", environment)).toMatchObject({
      state: "fail",
      remedy: "check MINTMARK_SIGN_IN_ISSUER",
    });
    using other = await startOther((_, response) => response.end("<html>"));
    expect(await findingOf("sign-in", { ...environment, MINTMARK_SIGN_IN_ISSUER: other.url })).toMatchObject({
      state: "fail",
      message: `${other.url} serves no metadata of an OpenID provider (status 200)`,
    });
    const away = `http://127.0.0.1:${await freePort()}`;
    expect(await findingOf("sign-in", { ...environment, MINTMARK_SIGN_IN_ISSUER: away })).toMatchObject({
      state: "fail",
    });
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
