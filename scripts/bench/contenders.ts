import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SERVER_CORE } from "./support.ts";
import { introspect, post } from "./wire.ts";

export const ROOT = join(import.meta.dirname, "../..");
const PEERS = join(import.meta.dirname, "peers");
const PYTHON = "/usr/bin/python3";

/** Of all contenders. */
export const ISSUER = "http://127.0.0.1:3000";
/** Of the client that signs people in. Nothing listens there. */
export const REDIRECT_URI = "https://app.example/callback";
export const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PLAN = JSON.stringify({
  issuer: ISSUER,
  audience: ISSUER,
  redirectUri: REDIRECT_URI,
  kid: "bench",
  privatePem: privateKey.export({ type: "pkcs8", format: "pem" }),
  publicPem: publicKey.export({ type: "spki", format: "pem" }),
});

export type Contender = {
  name: string;
  command: string[];
  env?: Record<string, string>;
  /** tRPC answers `{"result":{"data":…}}`, the others the data alone. */
  paths: { verify: string; issue: string };
  isTrpc?: boolean;
  /** Whether it accepts no tokens but its own. */
  signsItself?: boolean;
  /** The credentials of a client, for introspection by a form (RFC 7662 §2.1). */
  introspectsFor?: { clientId: string; clientSecret: string };
};

const node = (peer: string): string[] => [process.execPath, join(PEERS, `${peer}.js`)];
const plain = { verify: "/verify", issue: "/issue" };

export const BARE: Contender = { name: "bare node:http", command: node("bare"), paths: plain };
export const RAW: Contender = {
  name: "bare + raw crypto",
  command: node("bare"),
  paths: { verify: "/raw", issue: "/raw" },
};
export const MINTMARK: Contender = {
  name: "Mintmark",
  command: [process.execPath, join(ROOT, "dist/bin/main.js")],
  paths: { verify: "/trpc/verifyToken", issue: "/trpc/getToken" },
  isTrpc: true,
  signsItself: true,
};
/** An administrator of a benchmark alone. */
export const ADMIN = { clientId: "admin", clientSecret: "an administrator of this benchmark alone" };
export const MINTMARK_IN_MEMORY: Contender = {
  ...MINTMARK,
  name: "Mintmark, in memory",
  command: node("mintmark-memory"),
  env: { BENCH_ADMIN_SECRET: ADMIN.clientSecret },
};
export const TRPC_JOSE: Contender = {
  name: "tRPC standalone + jose",
  command: node("trpc-jose"),
  paths: plain,
  isTrpc: true,
};
export const FASTIFY_CACHED: Contender = {
  name: "Fastify + @fastify/jwt, cache",
  command: node("fastify"),
  env: { BENCH_CACHE: "1" },
  paths: plain,
};
export const FASTIFY: Contender = { name: "Fastify + @fastify/jwt", command: node("fastify"), paths: plain };
export const FASTIFY_HS256: Contender = {
  ...FASTIFY,
  name: "Fastify + @fastify/jwt, HS256",
  env: { BENCH_HS256: "1" },
};
export const EXPRESS: Contender = { name: "Express + jsonwebtoken", command: node("express"), paths: plain };
export const HONO: Contender = { name: "Hono + hono/jwt", command: node("hono"), paths: plain };
/** Version 8 is the last one for Node 20. It introspects opaque tokens and refuses JWTs. */
export const OIDC_PROVIDER: Contender = {
  name: "node-oidc-provider, introspection",
  command: node("oidc-provider"),
  paths: { verify: "/token/introspection", issue: "/issue" },
  signsItself: true,
  introspectsFor: { clientId: "bench", clientSecret: "bench-secret" },
};
export const BETTER_AUTH: Contender = {
  name: "better-auth, oauth-provider",
  command: node("better-auth/server"),
  paths: { verify: "/oauth2/introspect", issue: "/oauth2/token" },
  signsItself: true,
};
/** Needs Debian's Python packages. Verifies and signs with HS256, as FastAPI's tutorial does. */
export const TUTORIAL: Contender[] = hasTutorial()
  ? [
      {
        name: "FastAPI + python-jose (HS256)",
        command: [PYTHON, join(PEERS, "tutorial.py")],
        paths: plain,
        signsItself: true,
      },
    ]
  : [];

function hasTutorial(): boolean {
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ["-c", "import fastapi, uvicorn, uvloop, httptools, jose"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const REQUESTED = { subject: "ada", scope: "orders:read", claims: { role: "reader" } };

const request = (path: string, body: unknown) => post(path, { body: JSON.stringify(body) });

/** Many calls in one request: a batch of tRPC. */
function batch(path: string, inputs: readonly object[]): string {
  const [, base, name] = /^(.*\/)(.*)$/.exec(path) ?? [];
  return request(`${base}${inputs.map(() => name).join(",")}?batch=1`, { ...inputs });
}

export type Running = Awaited<ReturnType<typeof startContender>>;

/** Starts a contender on the processor of the servers, and waits until it listens. */
export async function startContender(
  { name, command, env, paths, isTrpc = false, signsItself = false, introspectsFor }: Contender,
  more: Record<string, string> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const data: Record<string, string> = more.DATABASE_URL === undefined ? { MINTMARK_DATA: join(folder, "data") } : {};
  const own = { PORT: "0", MINTMARK_LOG_LEVEL: "error", ...data };
  const mine = name === MINTMARK.name ? { ...own, ...more } : { BENCH_PLAN: PLAN, NODE_ENV: "production", ...env };
  const child = spawn("taskset", ["-c", SERVER_CORE, ...command], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...mine },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await portOf(child, name);
  return {
    name,
    port,
    pid: child.pid ?? 0,
    isTrpc,
    signsItself,
    verify: (token: string) =>
      introspectsFor ? introspect(paths.verify, token, introspectsFor) : request(paths.verify, { token }),
    verifyMany: (tokens: readonly string[]) =>
      batch(
        paths.verify,
        tokens.map((token) => ({ token })),
      ),
    issue: () => request(paths.issue, REQUESTED),
    issueMany: (count: number) =>
      batch(
        paths.issue,
        Array.from({ length: count }, () => REQUESTED),
      ),
    async stop(): Promise<void> {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
      await ended;
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function portOf({ stdout }: ChildProcess, name: string): Promise<number> {
  let output = "";
  // A closed pipe would end a contender that goes on to write.
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    output += chunk;
    const [, port] = /listening on \S*?(\d+)\s/.exec(output) ?? [];
    if (port === undefined) continue;
    stdout?.resume();
    return Number(port);
  }
  throw new Error(`${name} did not start`);
}
