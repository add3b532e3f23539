import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { mintmark } from "../support/command.ts";
import { startServer } from "../support/process.ts";
import { openProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/service.ts";

/** Variables of servers. Without an issuer, it follows from the address. */
const SERVERS: Record<string, Record<string, string>> = {
  "on a port that it picked": { PORT: "0" },
  "on a name of this machine": { HOST: "localhost", PORT: "0" },
  "on an IPv6 address": { HOST: "::1", PORT: "0" },
  "with an issuer of its own": { PORT: "0", MINTMARK_ISSUER: "https://tokens.example", MINTMARK_ACCESS: "open" },
  "with an audience of its own": { PORT: "0", MINTMARK_AUDIENCE: "https://orders.example" },
  "with another algorithm": { PORT: "0", MINTMARK_ALG: "EdDSA" },
  "by workers on a port that they picked": { PORT: "0", MINTMARK_WORKERS: "2" },
};

describe.concurrent("a command with the data folder alone", { timeout: 60_000 }, () => {
  test.each(Object.entries(SERVERS))("issues and revokes as a server does that runs %s", async (_, environment) => {
    using folder = temporaryFolder();
    const data = { MINTMARK_DATA: join(folder.path, "data") };
    const open = "MINTMARK_WORKERS" in environment ? startServer : openProgram;
    await using server = await open({ ...environment, ...data });
    const client = createTokenClient({ url: server.origin });
    const command = (words: string[], input = "") => mintmark(words, { environment: data, input });

    const issued = await command(["token", "get", "--subject", "ada"]);
    expect(issued).toMatchObject({ status: 0, stderr: "" });
    const token = issued.stdout.trim();
    expect(await client.verifyToken.mutate({ token })).toMatchObject({ sub: "ada" });

    const { token: another } = await client.getToken.query({ subject: "ada" });
    expect(await command(["token", "verify"], another)).toMatchObject({ status: 0, stderr: "" });
    expect(await command(["token", "revoke"], another)).toMatchObject({ status: 0, stdout: "revoked\n" });
    const verdict = () => client.verifyToken.mutate({ token: another }).catch(({ data }) => data.reason);
    await vi.waitFor(async () => expect(await verdict()).toBe("token_revoked"), 20_000);
    expect(await client.keys.list.query()).toHaveLength(1);
  });
});

describe.concurrent("a command in a folder without a database", { timeout: 60_000 }, () => {
  test.each([
    ["keys", "list"],
    ["keys", "rotate"],
    ["clients", "list"],
    ["clients", "add", "boss", "--permissions", "admin"],
    ["audit"],
    ["token", "get"],
    ["revoke", "--subject", "ada"],
    ["backup", "copy"],
  ])("%s %s fails with one line, and makes nothing", async (...words) => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    const ended = await mintmark(words, { environment: { MINTMARK_DATA: data } });
    expect(ended).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^mintmark: There is no database in [^\n]+: start the server first[^\n]*\n$/),
    });
    expect(existsSync(data)).toBe(false);
    // An empty folder stays empty.
    const empty = mkdtempSync(join(folder.path, "empty-"));
    expect(await mintmark(words, { environment: { MINTMARK_DATA: empty } })).toMatchObject({ status: 1 });
    expect(readdirSync(empty)).toEqual([]);
    rmSync(empty, { recursive: true });
  });
});

describe.concurrent("a server that starts with other variables", { timeout: 60_000 }, () => {
  const changes = [
    [
      "another issuer",
      { MINTMARK_ISSUER: "http://127.0.0.1:1" },
      /The issuer changes from \S+ to http:\/\/127\.0\.0\.1:1:/,
    ],
    ["another audience", { MINTMARK_AUDIENCE: "orders" }, /The default audience changes from \S+ to orders/],
    ["another algorithm", { MINTMARK_ALG: "EdDSA" }, /The algorithm of the next key changes from ES256 to EdDSA/],
    ["a shared secret", { MINTMARK_SECRET: "x".repeat(32) }, /Tokens are signed with a shared secret from now on/],
    [
      "a longer limit of lifetimes",
      { MINTMARK_MAX_TTL: "864000" },
      /The longest lifetime of a token changes from 86400 s to 864000 s/,
    ],
    [
      "a shorter limit of lifetimes",
      { MINTMARK_MAX_TTL: "3600" },
      /The longest lifetime of a token changes from 86400 s to 3600 s/,
    ],
    ["no administrator's secret", { MINTMARK_ADMIN_SECRET: "" }, /"admin" that it made is still an administrator/],
  ] as const;

  const environment = { MINTMARK_ISSUER: "http://127.0.0.1:3000", MINTMARK_ADMIN_SECRET: "x".repeat(40) };

  /** The log of a start and a stop. */
  async function logOf(variables: Record<string, string>): Promise<{ level: number; msg: string }[]> {
    await using server = await openProgram(variables);
    await server.stop();
    return server
      .log()
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((text) => JSON.parse(text));
  }

  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  afterAll(() => folder[Symbol.dispose]());
  beforeAll(async () => {
    // Neither the first start nor a start with the same variables reports a change.
    for (let start = 0; start < 2; start += 1) {
      const lines = await logOf({ ...environment, MINTMARK_DATA: data });
      expect(lines.filter(({ msg }) => changes.some(([, , line]) => line.test(msg)))).toEqual([]);
    }
  });

  test.each(changes)("%s: logs it in one line, once", async (name, change, line) => {
    const copy = join(folder.path, name);
    cpSync(data, copy, { recursive: true });
    const variables = { ...environment, ...change, MINTMARK_DATA: copy };
    const after = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
    const lines = await logOf(after);
    expect(lines.filter(({ msg }) => line.test(msg))).toMatchObject([{ level: 40 }]);
  });
});
