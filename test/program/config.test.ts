import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { readConfig } from "../../src/program/config.ts";

const SECRET = "canary-secret-of-more-than-32-bytes-length";

const CLIENTS = { MINTMARK_ACCESS: "clients" };

describe("readConfig", () => {
  it("drains by default where access is for clients, and as MINTMARK_DRAIN says", () => {
    expect(readConfig({ MINTMARK_ACCESS: "clients" }).drain).toBe(1);
    expect(readConfig({ MINTMARK_ACCESS: "clients", MINTMARK_DRAIN: "0" }).drain).toBe(0);
    expect(readConfig({ MINTMARK_DRAIN: "30" }).drain).toBe(30);
    for (const drain of ["-1", "601", "1.5", "x"])
      expect(() => readConfig({ MINTMARK_DRAIN: drain })).toThrow(/^MINTMARK_DRAIN must be/);
  });

  it("has a default for every setting", () => {
    expect(readConfig({})).toEqual({
      host: "127.0.0.1",
      port: 3000,
      issuer: undefined,
      audience: undefined,
      data: ".mintmark",
      databaseUrl: undefined,
      alg: undefined,
      secret: undefined,
      kek: undefined,
      previousKek: undefined,
      ttl: 900,
      keepAlive: 620,
      drain: 0,
      workers: 1,
      maxTtl: 86400,
      rotation: 2592000,
      refreshTtl: 2592000,
      refreshIdle: 604800,
      replayWindow: 10,
      auditRetention: 7776000,
      access: "open",
      adminSecret: undefined,
      rateLimits: {
        issue: { perClient: undefined, perAddress: undefined },
        verify: { perClient: undefined, perAddress: undefined },
      },
      trustProxy: [],
      origins: [],
      credentials: undefined,
      sessionTtl: 604800,
      registration: undefined,
      signIn: undefined,
      theme: {},
      logLevel: "info",
    });
  });

  it("reads every variable, treats an empty one as unset, and ignores others", () => {
    const environment = {
      HOST: "::1",
      PORT: "0",
      MINTMARK_ISSUER: "https://tokens.example/eu",
      MINTMARK_AUDIENCE: "orders",
      MINTMARK_DATA: "/var/lib/mintmark",
      MINTMARK_ALG: "PS256",
      MINTMARK_TTL: "60",
      MINTMARK_MAX_TTL: "",
      MINTMARK_ACCESS: "open",
      MINTMARK_LOG_LEVEL: "debug",
      HOME: "/root",
    };
    expect(readConfig(environment)).toMatchObject({ host: "::1", port: 0, alg: "PS256", ttl: 60, maxTtl: 86400 });
    const limits = { MINTMARK_RATE_ISSUE: "0", MINTMARK_RATE_VERIFY_ADDRESS: "100" };
    expect(readConfig(limits)).toMatchObject({ rateLimits: { issue: { perClient: 0 }, verify: { perAddress: 100 } } });
    const trusting = { ...CLIENTS, MINTMARK_TRUST_PROXY: "loopback, 10.0.0.0/8,2001:db8::1" };
    expect(readConfig(trusting)).toMatchObject({ trustProxy: ["loopback", "10.0.0.0/8", "2001:db8::1"] });
    const pages = ["https://app.example", "https://app.example:8443", "http://localhost:5173"];
    expect(readConfig({ ...CLIENTS, MINTMARK_ORIGINS: pages.join(" , ") })).toMatchObject({ origins: pages });
    const local = ["http://localhost:5173", "http://127.0.0.1:81", "https://[::1]:8443", "http://app.localhost"];
    expect(readConfig({ MINTMARK_ORIGINS: local.join(",") })).toMatchObject({ access: "open", origins: local });
    expect(readConfig({ MINTMARK_SECRET: SECRET })).toMatchObject({ secret: SECRET });
    expect(readConfig({ HOST: "0.0.0.0", MINTMARK_ISSUER: "https://x" })).toMatchObject({ access: "clients" });
    expect(readConfig({ MINTMARK_ISSUER: "http://127.0.0.1:3000" })).toMatchObject({ access: "open" });
    expect(readConfig({ MINTMARK_ISSUER: "https://tokens.example" })).toMatchObject({ access: "clients" });
    const kek = Buffer.alloc(32, 7);
    const postgres = { DATABASE_URL: "postgres://x/y", MINTMARK_KEK: kek.toString("base64url") };
    expect(readConfig(postgres)).toMatchObject({ databaseUrl: "postgres://x/y", kek });
    expect(readConfig({ ...postgres, MINTMARK_KEK: "none" })).toMatchObject({ kek: undefined });
  });

  it.each([
    [{ PORT: "99999" }, "PORT must be a port number"],
    [{ PORT: "3000x" }, "PORT must be a port number"],
    [{ HOST: "0.0.0.0" }, "MINTMARK_ISSUER must be set where HOST is not a loopback address"],
    [{ HOST: "0.0.0.0", MINTMARK_ACCESS: "open" }, "MINTMARK_ACCESS can be open only where HOST is a loopback address"],
    [{ DATABASE_URL: "mysql://user:canary@x/y" }, "DATABASE_URL must be a postgres:// URL"],
    [{ MINTMARK_KEK: "canary" }, "MINTMARK_KEK must be 32 bytes"],
    [{ MINTMARK_KEK: "" }, "MINTMARK_KEK must be 32 bytes"],
    [{ MINTMARK_KEK_PREVIOUS: "canary" }, "MINTMARK_KEK_PREVIOUS must be 32 bytes"],
    [{ MINTMARK_ADMIN_SECRET: "canary" }, "MINTMARK_ADMIN_SECRET must have at least 32 characters"],
    [{ MINTMARK_WORKERS: "0" }, "MINTMARK_WORKERS must be at least 1"],
    [{ MINTMARK_ISSUER: "tokens.example" }, "MINTMARK_ISSUER must be an http or https URL"],
    [{ MINTMARK_ISSUER: "https://user:canary@x" }, "MINTMARK_ISSUER must be an http or https URL"],
    [{ MINTMARK_ISSUER: "https://x/?a=b" }, "MINTMARK_ISSUER must be an http or https URL"],
    [{ MINTMARK_ALG: "none" }, "MINTMARK_ALG must be one of ES256, ES384, RS256, PS256, EdDSA"],
    [{ MINTMARK_ALG: "HS256" }, "MINTMARK_ALG must be one of"],
    [{ MINTMARK_TTL: "0" }, "MINTMARK_TTL must be at least 1 second"],
    [{ MINTMARK_TTL: "1.5" }, "MINTMARK_TTL must be a whole number of seconds"],
    [{ MINTMARK_TTL: "-1" }, "MINTMARK_TTL must be a whole number of seconds"],
    [{ MINTMARK_TTL: "1e3" }, "MINTMARK_TTL must be a whole number of seconds"],
    [{ MINTMARK_MAX_TTL: "999999999" }, "MINTMARK_MAX_TTL must be at most"],
    [{ MINTMARK_TTL: "100", MINTMARK_MAX_TTL: "10" }, "MINTMARK_TTL must be at most MINTMARK_MAX_TTL"],
    [{ MINTMARK_SECRET: SECRET, MINTMARK_ALG: "ES256" }, "exclude each other"],
    [{ MINTMARK_RATE_ISSUE: "canary" }, "MINTMARK_RATE_ISSUE must be a whole number of calls a minute"],
    [{ MINTMARK_RATE_VERIFY_ADDRESS: "-1" }, "MINTMARK_RATE_VERIFY_ADDRESS must be a whole number of calls a minute"],
    [{ MINTMARK_TRUST_PROXY: "10.0.0.1" }, "MINTMARK_TRUST_PROXY needs MINTMARK_ACCESS=clients"],
    [{ MINTMARK_TRUST_PROXY: "loopback", MINTMARK_ACCESS: "open" }, "MINTMARK_TRUST_PROXY needs MINTMARK_ACCESS"],
    [{ ...CLIENTS, MINTMARK_TRUST_PROXY: "proxy.canary" }, "MINTMARK_TRUST_PROXY must be addresses, networks"],
    [{ ...CLIENTS, MINTMARK_TRUST_PROXY: "10.0.0.0/33" }, "MINTMARK_TRUST_PROXY must be addresses, networks"],
    [{ ...CLIENTS, MINTMARK_TRUST_PROXY: "10.0.0.1," }, "MINTMARK_TRUST_PROXY must be addresses, networks"],
    ...[
      "*",
      "null",
      "canary",
      "app.canary",
      "//app.canary",
      "https://",
      "https://app.canary/",
      "https://app.canary/path",
      "https://app.canary?x",
      "https://app.canary#x",
      "https://*.canary",
      "https://user@app.canary",
      "https://app.canary:443",
      "https://app.canary:99999",
      "https://App.canary",
      "https://bücher.canary",
      "http://app.canary",
      "http://192.168.1.10:5173",
      "http://localhost.canary:5173",
      "ws://app.canary",
      "file:///canary",
      "https://app.canary,",
      "https://app.canary https://other.canary",
      "https://app.canary,*",
    ].map((origins): [Record<string, string>, string] => [
      { ...CLIENTS, MINTMARK_ORIGINS: origins },
      "MINTMARK_ORIGINS must be origins as browsers send them",
    ]),
    [{ MINTMARK_ORIGINS: "https://app.canary" }, "MINTMARK_ORIGINS can name origins of other machines only with"],
    [{ MINTMARK_ORIGINS: "http://localhost:1,https://app.canary" }, "MINTMARK_ORIGINS can name origins of other"],
    ...[":", "/", ".", "-a", "0.0.0.0:3000", "http://localhost", "[127.0.0.1]", "[::1", "::1]", "127.1", "0", "*"].map(
      (host): [Record<string, string>, string] => [{ HOST: host }, "HOST must be an IP address or a name of this"],
    ),
    [{ HOST: "x86_64-conda-linux-gnu" }, "HOST must be a loopback address, such as 127.0.0.1"],
    [{ HOST: "arm64-apple-darwin20.0.0" }, "HOST must be an IP address or a name of this"],
    [{ HOST: "canary", MINTMARK_ACCESS: "open" }, "HOST must be a loopback address, such as 127.0.0.1"],
    [{ HOST: "[::]" }, "MINTMARK_ISSUER must be set where HOST is not a loopback address"],
    ...["+3000", "3_000", "03000", "3000.0", "0x10", "-1", "65536", "tcp://10.0.0.1:3000"].map(
      (port): [Record<string, string>, string] => [{ PORT: port }, "PORT must be a port number"],
    ),
    ...["060", "+60", "6_0", "60s", "9999999999"].map((ttl): [Record<string, string>, string] => [
      { MINTMARK_TTL: ttl },
      "MINTMARK_TTL must be a whole number of seconds",
    ]),
    [{ MINTMARK_WORKERS: "02" }, "MINTMARK_WORKERS must be a number of processes"],
    [{ MINTMARK_KEEP_ALIVE: "0" }, "MINTMARK_KEEP_ALIVE must be at least 1 second"],
    [{ MINTMARK_KEEP_ALIVE: "86401" }, "MINTMARK_KEEP_ALIVE must be at most 86400 seconds"],
    ...["~", "~/canary", "~canary/data", "$HOME/canary", "%h/canary"].map((data): [Record<string, string>, string] => [
      { MINTMARK_DATA: data },
      "MINTMARK_DATA begins with a character that only a shell expands",
    ]),
    ...[
      "https:tokens.canary",
      "https:/tokens.canary",
      "https:\\\\tokens.canary",
      "https://tokens.canary?",
      "https://tokens.canary/#",
      "https://@tokens.canary",
      "https://tokens.canary/a b",
      "https://",
      "urn:canary",
    ].map((issuer): [Record<string, string>, string] => [
      { MINTMARK_ISSUER: issuer },
      "MINTMARK_ISSUER must be an http or https URL",
    ]),
    [{ MINTMARK_ISSUER: `https://canary/${"a".repeat(255)}` }, "MINTMARK_ISSUER must have at most 255 characters"],
    ...["or\u202eders", "or\u200bders", "or\u2066ders", "or\u00adders"].map(
      (audience): [Record<string, string>, string] => [
        { MINTMARK_AUDIENCE: audience },
        "MINTMARK_AUDIENCE must have no direction marks or other invisible characters",
      ],
    ),
    [{ MINTMARK_ISSUER: "https://x\u202e.example" }, "MINTMARK_ISSUER must have no direction marks"],
    [{ MINTMARK_AUDIENCE: `canary${"a".repeat(250)}` }, "MINTMARK_AUDIENCE must have at most 255 characters"],
    [{ MINTMARK_ADMIN_SECRET: `canary${"a".repeat(250)}` }, "MINTMARK_ADMIN_SECRET must have at most 255 characters"],
    [{ MINTMARK_CLIENT_ID: "canary" }, "MINTMARK_CLIENT_SECRET must be set where MINTMARK_CLIENT_ID is"],
    [{ MINTMARK_CLIENT_SECRET: "canary" }, "MINTMARK_CLIENT_ID must be set where MINTMARK_CLIENT_SECRET is"],
    [
      { MINTMARK_CLIENT_ID: "canary", MINTMARK_CLIENT_SECRET: "" },
      "MINTMARK_CLIENT_SECRET must be set where MINTMARK_CLIENT_ID is",
    ],
    [{ MINTMARK_TLL: "canary" }, "MINTMARK_TLL is no variable of Mintmark"],
    [{ DATABASE_URL: "postgres://user:canary@x/y" }, "MINTMARK_KEK must be set with DATABASE_URL"],
    [{ MINTMARK_LOG_LEVEL: "loud" }, "MINTMARK_LOG_LEVEL must be one of"],
  ])("refuses %j in one line that names the variable and repeats no value", (environment, words) => {
    const read = () => readConfig(environment);
    expect(read).toThrow(StartError);
    expect(read).toThrow(words);
    expect(read).not.toThrow(/canary|\n/);
  });
});
