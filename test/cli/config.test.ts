import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../src/cli/config-command.ts";
import { publicDatabaseUrl } from "../../src/cli/database-url.ts";
import { settingList } from "../../src/program/settings.ts";
import { mintmark } from "../support/command.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

const CANARY = "canary-canary-canary-canary-canary-1";
const KEK = Buffer.alloc(32, 7).toString("base64url");

/** The row of a variable, in an environment. */
async function rowOf(variable: string, environment: Record<string, string>) {
  const { rows } = await readSettings(environment);
  return rows.find((row) => row.variable === variable);
}

const withoutData = () => {
  const folder = temporaryFolder();
  return { MINTMARK_DATA: join(folder.path, "none"), [Symbol.dispose]: folder[Symbol.dispose] };
};

describe("mintmark config", () => {
  it("shows every setting, in the order of the documentation", async () => {
    using folder = temporaryFolder();
    const { rows } = await readSettings({ MINTMARK_DATA: folder.path });
    expect(rows.map(({ variable }) => variable)).toEqual(settingList.map(({ variable }) => variable));
  });

  it.each([
    ["PORT", {}, { value: 3000, source: "default" }],
    ["PORT", { PORT: "4000" }, { value: 4000, source: "environment" }],
    ["MINTMARK_ISSUER", { PORT: "4000" }, { value: "http://127.0.0.1:4000", source: "default" }],
    ["MINTMARK_ISSUER", { HOST: "localhost" }, { value: "http://HOST:PORT", source: "default" }],
    ["MINTMARK_AUDIENCE", { MINTMARK_ISSUER: "https://a.example" }, { value: "https://a.example", source: "default" }],
    ["MINTMARK_ACCESS", {}, { value: "open", source: "default" }],
    ["MINTMARK_ACCESS", { MINTMARK_ISSUER: "https://a.example" }, { value: "clients", source: "default" }],
    ["MINTMARK_DRAIN", { MINTMARK_ACCESS: "clients" }, { value: 1, source: "default", unit: "seconds" }],
    ["MINTMARK_RATE_ISSUE", {}, { value: 0, source: "default" }],
    ["MINTMARK_RATE_ISSUE", { MINTMARK_ACCESS: "clients" }, { value: 30_000, source: "default" }],
    ["MINTMARK_RATE_VERIFY_ADDRESS", { MINTMARK_RATE_VERIFY_ADDRESS: "9" }, { value: 9, source: "environment" }],
    ["MINTMARK_ORIGINS", { MINTMARK_ORIGINS: "http://localhost:5173" }, { value: ["http://localhost:5173"] }],
    ["MINTMARK_ALG", { MINTMARK_SECRET: CANARY }, { value: "HS256", source: "environment" }],
    ["MINTMARK_KEK", { MINTMARK_KEK: "none" }, { value: "none", source: "environment" }],
    ["MINTMARK_KEK", {}, { value: null, source: "default" }],
  ])("shows %s with %j as %j", async (variable, environment, shown) => {
    using data = withoutData();
    const { MINTMARK_DATA } = data;
    expect(await rowOf(variable, { MINTMARK_DATA, ...environment })).toMatchObject({ variable, ...shown });
  });

  it("shows what is stored, unless the environment says the same, and what the next start stores instead", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    await makeData(data, { issuer: "https://a.example", audience: "orders", alg: "ES384", ttl: 60, maxTtl: 600 });
    const environment = {
      MINTMARK_DATA: data,
      MINTMARK_ISSUER: "https://a.example",
      MINTMARK_AUDIENCE: "invoices",
      MINTMARK_MAX_TTL: "600",
      MINTMARK_TTL: "60",
    };
    expect(await rowOf("MINTMARK_ISSUER", environment)).toEqual({
      variable: "MINTMARK_ISSUER",
      value: "https://a.example",
      source: "environment",
    });
    expect(await rowOf("MINTMARK_AUDIENCE", environment)).toMatchObject({
      value: "orders",
      source: "stored",
      nextStart: "invoices",
    });
    const alg = await rowOf("MINTMARK_ALG", environment);
    expect(alg).toEqual({ variable: "MINTMARK_ALG", value: "ES384", source: "stored" });
    expect(await rowOf("MINTMARK_TTL", { MINTMARK_DATA: data })).toEqual({
      variable: "MINTMARK_TTL",
      value: 60,
      source: "stored",
      unit: "seconds",
      nextStart: 900,
    });
    const { stdout, stderr } = await mintmark(["config"], { environment });
    expect(stdout).toMatch(/^VARIABLE +VALUE +FROM +NEXT START STORES\n/);
    expect(stdout).toMatch(/^MINTMARK_AUDIENCE +orders +stored +invoices$/m);
    expect(stderr).toBe("");
  });

  it("shows no secret, and names the file that one comes from", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "secret");
    writeFileSync(file, `${CANARY}\n`);
    const environment = {
      MINTMARK_DATA: join(folder.path, "none"),
      MINTMARK_ADMIN_SECRET_FILE: file,
      MINTMARK_KEK: KEK,
      MINTMARK_KEK_PREVIOUS: KEK,
      MINTMARK_CLIENT_ID: "billing",
      MINTMARK_CLIENT_SECRET: CANARY,
      DATABASE_URL: `postgres://user-canary:${CANARY}@127.0.0.1:1/mintmark?application_name=canary`,
    };
    for (const words of [["config"], ["config", "--json"]]) {
      const { status, stdout, stderr } = await mintmark(words, { environment });
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: expect.stringMatching(/^mintmark: what is stored is not shown: [^\n]+\(ECONNREFUSED\)[^\n]+\n$/),
      });
      expect(stdout).not.toMatch(new RegExp(`canary|${KEK}`));
      expect(stdout).toContain("postgres://127.0.0.1:1/mintmark");
      expect(stdout).toContain("MINTMARK_ADMIN_SECRET_FILE");
      expect(stdout.match(/set, hidden/g)).toHaveLength(4);
    }
    const { rows } = await readSettings({ MINTMARK_SECRET: CANARY, MINTMARK_DATA: environment.MINTMARK_DATA });
    expect(JSON.stringify(rows)).not.toContain("canary");
  });

  it("says in one line that there is no data yet", async () => {
    using data = withoutData();
    const { MINTMARK_DATA } = data;
    expect((await readSettings({ MINTMARK_DATA })).notice).toMatch(/^there is no data yet: /);
  });

  it("refuses in one line what a server refuses", async () => {
    await expect(readSettings({ MINTMARK_TTL: "soon" })).rejects.toThrow(/^MINTMARK_TTL must/);
    await expect(readSettings({ MINTMARK_ACCESS: "open", HOST: "0.0.0.0" })).rejects.toThrow(/^MINTMARK_ACCESS can/);
    expect(await mintmark(["config"], { environment: { MINTMARK_TLT: "60" } })).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^mintmark: MINTMARK_TLT is no variable[^\n]+\n$/),
    });
  });
});

describe("publicDatabaseUrl()", () => {
  it.each([
    ["postgres://u:p@db.internal/mintmark?schema=x", "postgres://db.internal:5432/mintmark"],
    ["postgresql://u@[::1]:5433/m", "postgresql://[::1]:5433/m"],
    ["postgres://u:p@ignored/m?host=db.internal&port=6432", "postgres://db.internal:6432/m"],
    ["postgres://u:p@%2Frun%2Fpostgresql/m", "postgres://%2Frun%2Fpostgresql:5432/m"],
    // Passwords whose special characters were not encoded.
    ["postgres://u:12/34@db.internal/m", undefined],
    ["postgres://u:12#34@db.internal/m", undefined],
    ["postgres://u:12?34@db.internal/m", undefined],
    ["postgres://u:a/b@db.internal/m", undefined],
    ["postgres://u:p@db.internal/m%20n", undefined],
  ])("shows %s as %s", (url, shown) => {
    expect(publicDatabaseUrl(url)).toBe(shown);
  });
});
