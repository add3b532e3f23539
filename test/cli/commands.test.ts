import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mintmark, mintmarkProcess } from "../support/command.ts";
import { fatalMessageOf } from "../support/process.ts";
import { type OpenedProgram, openProgram } from "../support/program.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

type Environment = Record<string, string>;

/** Runs a command that must succeed. Returns the JSON that it prints. */
async function json(words: string[], environment: Environment, input = "") {
  const { status, stdout, stderr } = await mintmark([...words, "--json"], { environment, input });
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("the commands, on the data of this machine", () => {
  const folder = temporaryFolder();
  const environment = { MINTMARK_DATA: join(folder.path, "data") };
  beforeAll(() => makeData(environment.MINTMARK_DATA));
  afterAll(() => folder[Symbol.dispose]());

  it("issue a token and verify it, by a pipe", async () => {
    const { stdout } = await mintmarkProcess(["token", "get", "--subject", "ada", "--claims", '{"role":"reader"}'], {
      environment,
    });
    expect(stdout).toMatch(/^eyJ[\w.-]+\n$/);
    expect(await json(["token", "verify"], environment, stdout)).toMatchObject({ sub: "ada", role: "reader" });
    const altered = await mintmarkProcess(["token", "verify"], { environment, input: `${stdout.trim()}x` });
    expect(altered).toEqual({
      status: 1,
      stdout: "",
      stderr: "mintmark: Could not validate credentials (invalid_token)\n",
    });
  });

  it("issue a token for several audiences, and accept any of several", async () => {
    const words = ["token", "get", "--audience", "orders,billing", "--audience", "shipping"];
    const { token } = await json(words, environment);
    const verified = await json(["token", "verify", "--audience", "x,billing"], environment, token);
    expect(verified.aud).toEqual(["orders", "billing", "shipping"]);
    const elsewhere = await mintmark(["token", "verify", "--audience", "x"], { environment, input: token });
    expect(elsewhere).toMatchObject({ status: 1, stderr: expect.stringContaining("wrong_audience") });
    const empty = await mintmark(["token", "get", "--audience", "orders,"], { environment });
    expect(empty).toMatchObject({ status: 2, stderr: expect.stringContaining("a list separated by commas") });
  });

  it("refresh a token and revoke it, by a pipe", async () => {
    const issued = await json(["token", "get", "--refreshable", "--subject", "ada"], environment);
    const refreshed = await mintmark(["token", "refresh"], { environment, input: issued.refreshToken });
    const [token = "", refreshToken = ""] = refreshed.stdout.split("\n");
    expect(await json(["token", "verify"], environment, token)).toMatchObject({ sub: "ada" });
    expect(await mintmark(["token", "revoke"], { environment, input: refreshToken })).toMatchObject({
      status: 0,
      stdout: "revoked\n",
    });
    for (const input of [issued.token, token])
      expect(await mintmark(["token", "verify"], { environment, input })).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("token_revoked"),
      });
  });

  it("revoke all tokens of a subject until now", async () => {
    const issue = () => json(["token", "get", "--subject", "grace"], environment);
    const { token } = await issue();
    expect(await json(["revoke", "--subject", "grace"], environment)).toEqual({ sequence: expect.any(Number) });
    expect(await mintmark(["token", "verify"], { environment, input: token })).toMatchObject({ status: 1 });
    expect(await json(["token", "verify"], environment, (await issue()).token)).toMatchObject({ sub: "grace" });
    expect(await mintmark(["revoke"], { environment })).toMatchObject({ status: 1 });
  });

  it("list the grants of a subject, revoke one by its sid, and find out about a token", async () => {
    const { token } = await json(["token", "get", "--refreshable", "--subject", "lin", "--scope", "a"], environment);
    const { jti, sid } = await json(["token", "verify"], environment, token);
    const list = () => json(["token", "grants", "--subject", "lin"], environment);
    expect(await list()).toEqual({ grants: [expect.objectContaining({ sid, clientId: "local", scope: "a" })] });
    expect((await mintmark(["token", "grants", "--subject", "lin"], { environment })).stdout).toContain(sid);
    expect(await json(["revoke", "--session", sid], environment)).toEqual({ sequence: expect.any(Number) });
    expect(await list()).toEqual({ grants: [] });
    const unknown = await mintmark(["revoke", "--session", "unknown"], { environment });
    expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining("there is no grant unknown") });
    const { stdout } = await mintmark(["token", "find", jti], { environment });
    expect(stdout).toMatch(/^issued {11}\S+Z by getToken\nclient {11}local\nsubject {10}lin\nkid {14}\S+\ngrant {12}/);
    expect(stdout).toMatch(/\nexpired {10}no\ngrant revoked {4}\S+Z\n$/);
    const none = await mintmark(["token", "find", "unknown"], { environment });
    expect(none.stdout).toMatch(/^issued {11}no record.*\nexpired {10}not known\nrevoked {10}no\n$/);
  });

  it("rotate and revoke keys", async () => {
    const [first] = await json(["keys", "list"], environment);
    expect(first).toMatchObject({ state: "active" });
    const rotated = await json(["keys", "rotate", "--immediate"], environment);
    expect(rotated.map(({ state }: { state: string }) => state)).toEqual(["retiring", "active"]);
    await json(["keys", "revoke", first.kid], environment);
    expect((await mintmark(["keys", "list"], { environment })).stdout).toMatch(
      new RegExp(`${first.kid}  ES256  revoked`),
    );
    expect(await mintmark(["keys", "kill", "nobody"], { environment })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("unknown_key"),
    });
  });

  it("add clients, print the secret once, and remove them", async () => {
    const added = await json(["clients", "add", "boss", "--permissions", "admin"], environment);
    expect(added).toMatchObject({ clientId: expect.any(String), clientSecret: expect.stringMatching(/^[\w-]{43}$/) });
    const list = await mintmark(["clients", "list"], { environment });
    expect(list.stdout).toContain(`${added.clientId}  boss  admin`);
    expect(list.stdout).not.toContain(added.clientSecret);
    const rotated = await json(["clients", "rotate-secret", added.clientId, "--overlap", "60"], environment);
    expect(rotated).toMatchObject({ overlap: 60, clientSecret: expect.not.stringMatching(added.clientSecret) });
    const change = ["--scopes", "", "--own-subject", "--max-ttl", "60"];
    expect(await json(["clients", "update", added.clientId, ...change], environment)).toMatchObject({ maxTtl: 60 });
    const words = ["clients", "update", added.clientId, "--name", "chief", "--any-subject", "--no-max-ttl"];
    const updated = await json(words, environment);
    expect(updated).toMatchObject({ name: "chief", permissions: ["admin"], scopes: [], anySubject: true });
    expect(updated).not.toHaveProperty("maxTtl");
    await json(["clients", "remove", added.clientId], environment);
    expect(await json(["clients", "list"], environment)).toEqual([]);
  });

  it("add resources, list them and remove them", async () => {
    const [mcp, urn] = ["https://api.example:8443/mcp", "urn:example:files"];
    const scopes = ["--scope", "tools:read=Read your tools", "--scope", "tools:run=Run tools: a=b"];
    const added = await json(["resources", "add", mcp, ...scopes, "--open"], environment);
    expect(added).toMatchObject({
      audience: mcp,
      name: "api.example:8443",
      scopes: { "tools:read": "Read your tools", "tools:run": "Run tools: a=b" },
      open: true,
    });
    const second = await mintmark(["resources", "add", urn, "--name", "Files"], { environment });
    expect(second).toEqual({ status: 0, stdout: `added ${urn}\n`, stderr: "" });
    const again = await mintmark(["resources", "add", urn], { environment });
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining("(resource_exists)") });
    const { stdout } = await mintmark(["resources", "list"], { environment });
    expect(stdout).toMatch(/^AUDIENCE +NAME +SCOPES +OPEN +SINCE\n/);
    expect(stdout).toMatch(/\nurn:example:files +Files +no +\S+Z\n/);
    expect(stdout).toMatch(/\nhttps:\S+mcp +api\.example:8443 +tools:read,tools:run +yes +\S+Z\n/);
    for (const audience of [mcp, urn]) await json(["resources", "remove", audience], environment);
    expect(await json(["resources", "list"], environment)).toEqual([]);
  });

  it("add no resource that would lose a scope", async () => {
    const words = ["resources", "add", "https://p.example", "--name", "P", "--scope", "__proto__=1"];
    const refused = await mintmark(words, { environment });
    expect(refused).toEqual({ status: 1, stdout: "", stderr: expect.stringContaining("must have no scope __proto__") });
    expect(await json(["resources", "list"], environment)).toEqual([]);
  });

  it("list the audit log, page by page", async () => {
    const page = await json(["audit", "--limit", "2", "--action", "clients.create"], environment);
    expect(page.records).toEqual([expect.objectContaining({ action: "clients.create", clientId: "local" })]);
    const { stdout } = await mintmark(["audit", "--limit", "1"], { environment });
    const [, next = ""] = /more: --before (\S+)/.exec(stdout) ?? [];
    expect((await mintmark(["audit", "--limit", "1", "--before", next], { environment })).stdout).not.toBe(stdout);
  });
});

describe("the commands, on a running server", () => {
  let server: OpenedProgram;
  const folder = temporaryFolder();
  const secret = "an admin secret of more than 32 characters";

  beforeAll(async () => {
    const settings = {
      MINTMARK_ACCESS: "clients",
      MINTMARK_ADMIN_SECRET: secret,
      MINTMARK_DATA: join(folder.path, "data"),
    };
    server = await openProgram(settings);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it("call it as the client in the environment, with the permissions of that client", async () => {
    const admin = { MINTMARK_CLIENT_ID: "admin", MINTMARK_CLIENT_SECRET: secret };
    const at = ["--url", server.origin];
    const added = await json(["clients", "add", "issuer", "--permissions", "issue", ...at], admin);
    const issuer = { MINTMARK_CLIENT_ID: added.clientId, MINTMARK_CLIENT_SECRET: added.clientSecret };
    expect(await json(["token", "get", ...at], issuer)).toMatchObject({ tokenType: "Bearer" });
    const refused = await mintmark(["clients", "list", ...at], { environment: issuer });
    expect(refused).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("permission_denied") });
    const nobody = await mintmark(["keys", "list", ...at]);
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining("invalid_client") });
  });

  it("report that a server cannot be reached", async () => {
    const { status, stderr } = await mintmark(["keys", "list", "--url", "http://127.0.0.1:9"]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "mintmark: the service could not be reached: check the URL, and that it runs\n",
    });
  });

  it("share the data folder with it, unlike a second server", async () => {
    const environment = { MINTMARK_DATA: join(folder.path, "data"), MINTMARK_ACCESS: "clients" };
    expect(await json(["keys", "list"], environment)).toHaveLength(1);
    const second = await mintmark(["serve"], { environment: { ...environment, PORT: "0" } });
    expect(second).toMatchObject({ status: 1, stdout: "" });
    expect(fatalMessageOf(second.stderr)).toMatch(/ is in use by another Mintmark server/);
  });
});
