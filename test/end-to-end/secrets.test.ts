import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { basic, type Credentials } from "../support/call-as.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";
import { send } from "../support/request.ts";
import { createVault } from "../support/secrets.ts";
import { temporaryFolder } from "../support/service.ts";

const random = () => randomBytes(32).toString("base64url");
const TELEMETRY = join(import.meta.dirname, "../support/telemetry.js");
const DOCUMENTS = [
  "/",
  "/healthz",
  "/readyz",
  "/metrics",
  "/.well-known/jwks.json",
  "/openapi.json",
  "/docs",
  "/verify",
  "/x",
];

type Vault = ReturnType<typeof createVault>;
type Held = { token: string; refreshToken: string; clientId: string; clientSecret: string; handle: string };

/** A valid input of every procedure, made from the results of earlier calls. In the order of the calls. */
const INPUTS: Record<string, (held: Held) => object> = {
  getToken: () => ({ subject: "ada", scope: "orders:read", refreshable: true }),
  verifyToken: ({ token }) => ({ token }),
  introspectToken: ({ token }) => ({ token }),
  refreshToken: ({ refreshToken }) => ({ refreshToken }),
  "clients.create": () => ({ name: "billing", permissions: ["issue"] }),
  "clients.rotateSecret": ({ clientId }) => ({ clientId, overlap: 60 }),
  "clients.update": ({ clientId }) => ({ clientId, name: "accounting" }),
  "clients.list": () => ({}),
  "resources.create": () => ({ audience: "https://api.example/mcp", name: "tools", scopes: { "a:b": "Read" } }),
  "resources.list": () => ({}),
  "resources.remove": () => ({ audience: "https://api.example/mcp" }),
  "tokens.find": ({ token }) => ({ jti: decodeJwt(token).jti }),
  "grants.list": () => ({ subject: "ada" }),
  revokeToken: ({ token }) => ({ token }),
  revoke: () => ({ subject: "eve" }),
  "keys.list": () => ({}),
  "keys.rotate": () => ({ immediate: true }),
  "audit.list": () => ({}),
  "sessions.list": () => ({ subject: "ada" }),
  "sessions.revoke": () => ({ sid: "a" }),
  "consents.list": () => ({ subject: "ada" }),
  "consents.revoke": ({ clientId }) => ({ subject: "ada", clientId }),
  "signIn.accept": ({ handle }) => ({ handle, subject: "ada" }),
  "signIn.refuse": ({ handle }) => ({ handle }),
  "signIn.describe": ({ handle }) => ({ handle }),
  "clients.remove": ({ clientId }) => ({ clientId }),
};

/** The fields of each response that only its caller may read. */
const HELD = ["token", "refreshToken", "clientSecret"] as const;

function createDriver(origin: string, vault: Vault) {
  const held: Held = { token: "", refreshToken: "", clientId: "", clientSecret: "", handle: "a".repeat(43) };

  async function ask(procedure: string, input: object, as?: Credentials): Promise<number> {
    const { status, headers, text } = await send(`${origin}/trpc/${procedure}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(as && { authorization: basic(as) }) },
      body: JSON.stringify(input),
    });
    const { data = {} } = JSON.parse(text).result ?? {};
    // Removes and records the fields that the response must have.
    let rest = text;
    for (const name of HELD) {
      if (typeof data[name] !== "string") continue;
      held[name] = vault.keep(name, data[name]);
      rest = rest.replace(data[name], "");
    }
    held.clientId = data.clientId ?? held.clientId;
    vault.add(`the answer of ${procedure}, ${status}`, JSON.stringify(headers) + rest);
    return status;
  }

  /** Begins a sign-in, where people can sign in. */
  async function beginSignIn(admin: Credentials): Promise<string | undefined> {
    const redirectUri = "https://app.example/callback";
    await ask("clients.create", { name: "web", permissions: [], redirectUris: [redirectUri] }, admin);
    const query = new URLSearchParams({
      ...{ client_id: held.clientId, redirect_uri: redirectUri, response_type: "code" },
      ...{ code_challenge: "a".repeat(43), code_challenge_method: "S256" },
    });
    const begun = await fetch(`${origin}/oauth/authorize?${query}`, { redirect: "manual" });
    vault.add("the answer to a request for authorization", JSON.stringify([...begun.headers]) + (await begun.text()));
    const location = begun.headers.get("location");
    return location === null ? undefined : (new URL(location).searchParams.get("handle") ?? undefined);
  }

  /** Sends secrets in wrong places. */
  async function misuse(procedure: string, input: object): Promise<void> {
    const client = { clientId: held.clientId, clientSecret: held.clientSecret };
    const { token, refreshToken } = held;
    const swapped = { clientId: client.clientSecret, clientSecret: client.clientId };
    await Promise.all([
      ask(procedure, input, swapped),
      ask(procedure, { ...input, [client.clientSecret]: token, token: [refreshToken] }, client),
      ask(`${procedure}${client.clientSecret}`, input, client),
      ask(procedure, input),
    ]);
    const url = `${origin}/trpc/${procedure}?input=${encodeURIComponent(`{"${token}`)}`;
    const bearer = await send(url, { headers: { authorization: `Bearer ${token}` } });
    vault.add(`the answer of ${procedure} to a GET`, JSON.stringify(bearer));
  }

  return {
    /** Calls every procedure correctly. Returns the responses. */
    async all(admin: Credentials): Promise<Record<string, number>> {
      const statuses: Record<string, number> = {};
      for (const [procedure, input] of Object.entries(INPUTS)) {
        // An answer ends a handle.
        if (procedure.startsWith("signIn.")) {
          const { clientId, clientSecret } = held;
          held.handle = (await beginSignIn(admin)) ?? held.handle;
          Object.assign(held, { clientId, clientSecret });
        }
        statuses[procedure] = await ask(procedure, input(held), admin);
      }
      return statuses;
    },
    /** Calls them incorrectly. */
    async misuseAll(): Promise<void> {
      for (const [procedure, input] of Object.entries(INPUTS)) await misuse(procedure, input(held));
    },
    async read(admin: Credentials): Promise<void> {
      const events = await fetch(`${origin}/trpc/events`, { headers: { authorization: basic(admin) } });
      const reader = events.body?.getReader();
      vault.add("the events", Buffer.from((await reader?.read())?.value ?? []).toString());
      await reader?.cancel();
      for (const path of DOCUMENTS) {
        const authorization = basic(admin);
        for (const headers of [{ authorization }, {}])
          vault.add(path, JSON.stringify(await send(`${origin}${path}?${held.token}`, { headers })));
      }
    },
  };
}

async function run(settings: Record<string, string>, sabotage?: () => Promise<unknown>) {
  const vault = createVault();
  const admin = { clientId: "admin", clientSecret: vault.keep("MINTMARK_ADMIN_SECRET", random()) };
  for (const name of ["MINTMARK_KEK", "MINTMARK_SECRET"]) if (settings[name]) vault.keep(name, settings[name]);
  if (settings.DATABASE_URL) vault.keep("DATABASE_URL", new URL(settings.DATABASE_URL).password);
  const NODE_OPTIONS = `--import ${TELEMETRY}`;
  const access = {
    MINTMARK_ACCESS: "clients",
    MINTMARK_ADMIN_SECRET: admin.clientSecret,
    MINTMARK_LOG_LEVEL: "trace",
    MINTMARK_DRAIN: "0",
  };
  await using server = await startServer({ PORT: "0", NODE_OPTIONS, ...access, ...settings });
  const driver = createDriver(server.origin, vault);
  const statuses = await driver.all(admin);
  await driver.misuseAll();
  await driver.read(admin);
  const { paths } = JSON.parse((await send(`${server.origin}/openapi.json`)).text);
  const described = Object.keys(paths).map((path) => path.slice(1));
  const procedures = described.filter((name) => !/^(?:oauth|\.well-known)\//.test(name));
  expect([...Object.keys(INPUTS), "verify"].sort()).toEqual(procedures.sort());
  if (sabotage !== undefined) {
    await sabotage();
    await driver.all(admin);
    await driver.read(admin);
  }
  const { stdout, stderr } = await server.stop("SIGTERM");
  for (const [at, line] of [stdout, ...stderr.split("\n")].entries())
    vault.add(`line ${at}: ${line.slice(0, 100)}`, line);
  expect(vault.leaks()).toEqual([]);
  expect(vault.count()).toBeGreaterThan(200);
  return { statuses, stderr };
}

describe("no secret is in a log, a span, a metric or a wrong answer", () => {
  it("on the embedded database, with a shared secret", { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const { statuses, stderr } = await run({ MINTMARK_DATA: join(folder.path, "data"), MINTMARK_SECRET: random() });
    expect(statuses).toMatchObject({ getToken: 200, verifyToken: 200, revokeToken: 200, "keys.rotate": 400 });
    expect(stderr).toContain('"msg":"request"');
    expect(stderr).toContain("mintmark/verifyToken");
  });
});

describePostgres("no secret is in a log, a span, a metric or a wrong answer", () => {
  it("on PostgreSQL, also while its statements fail", { timeout: 60_000 }, async () => {
    const DATABASE_URL = await sharedPostgres.newDatabase();
    const { statuses, stderr } = await run(
      { DATABASE_URL, MINTMARK_KEK: random(), MINTMARK_SIGN_IN_URL: "https://app.example/login" },
      () => sharedPostgres.query("alter table audit rename to elsewhere", DATABASE_URL),
    );
    expect(new Set(Object.values(statuses))).toEqual(new Set([200]));
    expect(stderr).toContain('"msg":"call failed"');
  });
});

describe("what looks for secrets", () => {
  it.each(["plain", "base64", "base64url", "hex"] as const)("finds one in %s", (form) => {
    const vault = createVault();
    const secret = vault.keep("secret", "käse & brot?");
    vault.add("here", `x${form === "plain" ? secret : Buffer.from(secret).toString(form)}x`);
    vault.add("there", encodeURIComponent(secret));
    vault.add("nowhere", "käse");
    expect(vault.leaks()).toEqual(["secret 0: here", "secret 0: there"]);
  });
});
