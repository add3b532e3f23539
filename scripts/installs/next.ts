import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";
import { startServer } from "../../test/support/process.ts";
import { put } from "./bundlers.ts";
import { install, peers } from "./consumers.ts";

const ROUTE = `import { authenticate } from "../../auth";
export async function GET(request: Request) {
  const claims = await authenticate(request);
  return claims instanceof Response ? claims : Response.json({ sub: claims.sub });
}
`;

/** An app with the service in a route handler, and the verifier in a route handler, in the edge runtime and in the proxy. */
const APP: Record<string, string> = {
  "app/layout.tsx": `import type { ReactNode } from "react";
export default function Layout({ children }: { children: ReactNode }) { return <html><body>{children}</body></html>; }`,
  "app/page.tsx": "export default function Page() { return <p>hello</p>; }",
  "next.config.mjs": `export default { serverExternalPackages: ["mintmark"] };`,
  "app/api/auth/[[...path]]/route.ts": `import { createFetchHandler, createTokenRouter, createTokenService, localCaller } from "mintmark";
let handler: Promise<(request: Request) => Promise<Response>> | undefined;
async function open() {
  const service = await createTokenService();
  await createTokenRouter(service).createCaller({ authenticate: async () => localCaller }).getToken({ subject: "ada" });
  return createFetchHandler(service, { basePath: "/api/auth" });
}
async function handle(request: Request): Promise<Response> {
  handler ??= open();
  return (await handler)(request);
}
export { handle as GET, handle as HEAD, handle as OPTIONS, handle as POST };
export const dynamic = "force-dynamic";`,
  "app/auth.ts": `import { createVerifier } from "mintmark/verifier";
import { createFetchAuth } from "mintmark/verifier/fetch";
const issuer = process.env.ISSUER ?? "http://127.0.0.1:3000";
let verifier: ReturnType<typeof createVerifier> | undefined;
export async function authenticate(request: Request) {
  verifier ??= createVerifier({ issuer, audience: issuer });
  await verifier.ready;
  return createFetchAuth(verifier)(request);
}`,
  "app/api/me/route.ts": ROUTE,
  "app/api/edge/route.ts": `export const runtime = "edge";\n${ROUTE}`,
  "app/api/proxied/route.ts": `export const dynamic = "force-dynamic";
export function GET() { return Response.json({ sub: "ada" }); }`,
  "proxy.ts": `import { NextResponse } from "next/server";
import { authenticate } from "./app/auth";
export async function proxy(request: Request) {
  const claims = await authenticate(request);
  return claims instanceof Response ? claims : NextResponse.next();
}
export const config = { matcher: "/api/proxied" };`,
};

const PACKAGES = ["next", "react", "react-dom", "typescript@5", "@types/react", "@types/node@20"];

/** An app of Next.js, by its bundler. Each returns its observation, or throws. */
export function nextApps(folder: string, tarball: string): Record<string, () => Promise<string>> {
  const project = join(folder, "next");
  const buildBy = (...words: string[]) =>
    execFileSync("npx", ["--no-install", "next", "build", ...words], { cwd: project, stdio: "pipe" });
  return {
    async "Next.js, by Turbopack"() {
      install(project, [tarball, ...peers(), ...PACKAGES]);
      put(project, APP);
      buildBy();
      return serve(project);
    },
    async "Next.js, by webpack"() {
      buildBy("--webpack");
      return serve(project);
    },
  };
}

/** Starts the built app and a token server, and calls the app with a valid, a forged and a revoked token. */
async function serve(project: string): Promise<string> {
  await using issuer = await startServer({ MINTMARK_DATA: join(project, `data-${Date.now()}`) });
  const client = createTokenClient({ url: issuer.origin });
  const { token } = await client.getToken.query({ subject: "ada" });
  const port = 39_000 + (process.pid % 900);
  const words = ["node_modules/next/dist/bin/next", "start", "--port", String(port)];
  const env = { ...process.env, ISSUER: issuer.origin };
  // A process group of its own: its children end with it.
  const server = spawn(process.execPath, words, { cwd: project, env, stdio: "ignore", detached: true });
  const ended = once(server, "exit");
  const statusOf = async (path: string, bearer: string) => {
    const headers = { authorization: `Bearer ${bearer}` };
    const { status } = await fetch(`http://127.0.0.1:${port}/api/${path}`, { headers });
    return status;
  };
  const statuses = (bearer: string) => Promise.all(["me", "edge", "proxied"].map((path) => statusOf(path, bearer)));
  try {
    const url = `http://127.0.0.1:${port}/api/auth`;
    for (let attempt = 0; (await fetch(url).catch(() => undefined)) === undefined; attempt += 1) {
      if (attempt > 100) throw new Error("does not answer");
      await sleep(100);
    }
    const [valid, forged] = [await statuses(token), await statuses(`${token.slice(0, -4)}AAAA`)];
    await client.revoke.mutate({ subject: "ada" });
    await sleep(500);
    const all = [...valid, ...forged, ...(await statuses(token))].join(" ");
    if (all !== "200 200 200 401 401 401 401 401 401") throw new Error(`answers ${all}`);
    return `${await callHandler(url)}; route handler, edge and proxy accept a token, and refuse a forged and a revoked one`;
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, "SIGKILL");
    await ended;
  }
}

/** Calls the service in a route handler: a procedure, the feed, and its pages with all that they load. */
async function callHandler(url: string): Promise<string> {
  const page = await (await fetch(url)).text();
  const links = [...page.matchAll(/(?:src|href)="(?!data:|#)([^"]+)"/g)].map(
    ([, link = ""]) => new URL(link, url).href,
  );
  const statuses: string[] = [];
  for (const target of [url, `${url}/trpc/getToken`, `${url}/docs`, `${url}/docs/swagger-ui.css`, ...links]) {
    const { status, body } = await fetch(target);
    await body?.cancel();
    if (status !== 200) throw new Error(`${target} answers ${status}`);
    statuses.push(target);
  }
  const leaving = new AbortController();
  const feed = await fetch(`${url}/trpc/events`, { signal: leaving.signal });
  const { value } = (await feed.body?.getReader().read()) ?? {};
  leaving.abort();
  if (!new TextDecoder().decode(value).includes("connected")) throw new Error("the feed does not begin");
  return `answers ${statuses.length} requests and the feed`;
}
