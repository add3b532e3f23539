import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/support/process.ts";
import { type Group, notApplicable } from "./group.ts";
import { install, peers, put, putPrograms, run, tool, versionOf, type Work } from "./project.ts";
import type { Column, Row } from "./table.ts";

const ROUTE = `import { authenticate } from "../../../auth";
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
  "app/api/auth/[[...path]]/route.ts": `import { createFetchHandler, createTokenService } from "mintmark";
let handler: Promise<(request: Request) => Promise<Response>> | undefined;
async function open() {
  return createFetchHandler(await createTokenService(), { basePath: "/api/auth" });
}
async function handle(request: Request): Promise<Response> {
  handler ??= open();
  return (await handler)(request);
}
export { handle as GET, handle as HEAD, handle as OPTIONS, handle as POST };`,
  "app/auth.ts": `import { createVerifier } from "mintmark/verifier";
import { createFetchAuth } from "mintmark/verifier/fetch";
const issuer = process.env.ISSUER ?? "http://127.0.0.1:3000";
const verifiers = new Map<boolean, ReturnType<typeof createVerifier>>();
export async function authenticate(request: Request) {
  const follow = !new URL(request.url).pathname.endsWith("/jwks");
  const verifier = verifiers.get(follow) ?? createVerifier({ issuer, audience: issuer, follow });
  verifiers.set(follow, verifier);
  await verifier.ready;
  return createFetchAuth(verifier)(request);
}`,
  "app/api/route/[mode]/route.ts": ROUTE,
  "app/api/edge/[mode]/route.ts": `export const runtime = "edge";\n${ROUTE}`,
  "app/api/proxy/[mode]/route.ts": `export function GET() { return Response.json({ sub: "ada" }); }`,
  "proxy.ts": `import { NextResponse } from "next/server";
import { authenticate } from "./app/auth";
export async function proxy(request: Request) {
  const claims = await authenticate(request);
  return claims instanceof Response ? claims : NextResponse.next();
}
export const config = { matcher: "/api/proxy/:mode" };`,
};

const PACKAGES = ["next", "react", "react-dom", "typescript@5", "@types/react", "@types/node@20"];

/** A program that calls the app: cells of the table, in which the app is the resource server. */
const CALL = `import { callService, cells } from "./cells.mjs";
const [cell, issuer, url] = process.argv.slice(2);
const open = () => async (token) => {
  const headers = { authorization: "Bearer " + token };
  return (await fetch(url + "/" + cell, { headers })).status;
};
await (cell === "server" ? callService(url) : cells[cell](issuer, open));
process.exit(0);
`;

/** An app of Next.js, by both of its bundlers. */
export async function nextjs({ folder, tarball, issuer }: Work): Promise<Group> {
  const project = join(folder, "next");
  install(project, [tarball, ...peers(), ...PACKAGES]);
  put(project, { ...APP, "call.mjs": CALL });
  putPrograms(project, "cells");
  const version = versionOf(project, "next");
  const rows = (["Turbopack", "webpack"] as const).flatMap((bundler) =>
    (["route", "proxy", "edge"] as const).map((place) =>
      rowOf(`Next.js ${version}, ${bundler}: ${PLACES[place]}`, { project, issuer, bundler, place }),
    ),
  );
  return { rows };
}

const PLACES = { route: "route handler", proxy: "proxy", edge: "edge runtime" };
const TESTS = notApplicable("tests run in Jest or vitest");

type App = { project: string; issuer: string; bundler: "Turbopack" | "webpack"; place: keyof typeof PLACES };

function rowOf(name: string, app: App): Row {
  const server = notApplicable(
    app.place === "proxy" ? "a proxy answers no requests" : "the service needs modules of Node",
  );
  return {
    name,
    except: { testing: TESTS, ...(app.place !== "route" && { server }) },
    async use(column) {
      await buildOnce(app);
      await callApp(column, app);
    },
  };
}

const built = new Map<string, Promise<unknown>>();

/** Both bundlers write to one folder, so each is the last to have built when its rows run. */
async function buildOnce({ project, bundler }: App): Promise<void> {
  const words = bundler === "webpack" ? ["--webpack"] : [];
  const building = built.get(bundler) ?? run([...tool("next"), "build", ...words], { cwd: project });
  built.set(bundler, building);
  await building;
}

/** Starts the built app and calls it. */
async function callApp(column: Column, { project, issuer, place }: App): Promise<void> {
  const port = await freePort();
  const words = ["node_modules/next/dist/bin/next", "start", "--port", port, "--hostname", "127.0.0.1"];
  const env = { ...process.env, ISSUER: issuer };
  // A process group of its own: its children end with it.
  const server = spawn(process.execPath, words, { cwd: project, env, stdio: "ignore", detached: true });
  const ended = once(server, "exit");
  const url = `http://127.0.0.1:${port}/api`;
  try {
    for (let attempt = 0; (await fetch(url).catch(() => undefined)) === undefined; attempt += 1) {
      if (attempt > 300) throw new Error("does not answer");
      await sleep(100);
    }
    const service = `${url}/auth`;
    if (column === "server") await loadPages(service);
    const target = column === "server" ? `${service}/trpc` : `${url}/${place}`;
    await run([process.execPath, "call.mjs", column, issuer, target], { cwd: project });
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, "SIGKILL");
    await ended;
  }
}

/** Loads the pages of the service in a route handler, with all that they load. */
async function loadPages(url: string): Promise<void> {
  const page = await (await fetch(url)).text();
  const links = [...page.matchAll(/(?:src|href)="(?!data:|#)([^"]+)"/g)].map(
    ([, link = ""]) => new URL(link, url).href,
  );
  for (const target of [url, `${url}/docs`, `${url}/docs/swagger-ui.css`, ...links]) {
    const { status, body } = await fetch(target);
    await body?.cancel();
    if (status !== 200) throw new Error(`${target} answers ${status}`);
  }
}
