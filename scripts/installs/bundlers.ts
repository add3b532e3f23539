import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { install, peers } from "./consumers.ts";

const SERVER = `
import { createTokenServer, createTokenService, openSqliteStore } from "mintmark";
async function main() {
  const service = await createTokenService({ store: await openSqliteStore(process.argv[2]) });
  const server = await createTokenServer(service, { port: 0 });
  const statuses = ["/trpc/getToken", "/", "/metrics"].map(async (path) => (await fetch(server.origin + path)).status);
  console.log("answers", ...(await Promise.all(statuses)));
  await server.close();
}
main();
`;

const WEBPACK = `module.exports = {
  mode: "production", target: "node20", entry: "./server.mjs", stats: "errors-only",
  output: { path: __dirname + "/out", filename: "webpack.cjs" }, externals: { libsql: "commonjs libsql" },
};
`;

const ROLLUP = `import commonjs from "@rollup/plugin-commonjs";
import json from "@rollup/plugin-json";
import resolve from "@rollup/plugin-node-resolve";
export default {
  input: "server.mjs", external: ["libsql", /^node:/], plugins: [resolve({ exportConditions: ["node"] }), commonjs(), json()],
  output: { dir: "out", format: "esm", entryFileNames: "rollup.mjs", chunkFileNames: "[name].mjs" },
};
`;

const TOOLS = ["webpack", "webpack-cli", "rollup", "@rollup/plugin-commonjs", "@rollup/plugin-json"];

const NEXT: Record<string, string> = {
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
};

function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Bundled consumers, by their bundler. Each returns its observation, or throws. */
export function bundlers(folder: string, tarball: string): Record<string, () => Promise<string>> {
  const [plain, next] = [join(folder, "bundled"), join(folder, "next")];
  const run = (program: string) =>
    execFileSync(process.execPath, [program, join(plain, `data-${program}`.replaceAll("/", "-"))], {
      cwd: plain,
      encoding: "utf8",
    }).trim();
  const tool = (project: string, words: readonly string[]) =>
    execFileSync("npx", ["--no-install", ...words], { cwd: project, stdio: "pipe", encoding: "utf8" });
  return {
    async webpack() {
      install(plain, [tarball, ...peers(), ...TOOLS, "@rollup/plugin-node-resolve"]);
      put(plain, { "server.mjs": SERVER, "webpack.config.cjs": WEBPACK, "rollup.config.mjs": ROLLUP });
      tool(plain, ["webpack"]);
      return run("out/webpack.cjs");
    },
    async rollup() {
      tool(plain, ["rollup", "--config", "--silent"]);
      return run("out/rollup.mjs");
    },
    async "Next.js, by Turbopack"() {
      install(next, [
        tarball,
        ...peers(),
        "next",
        "react",
        "react-dom",
        "typescript@5",
        "@types/react",
        "@types/node@20",
      ]);
      put(next, NEXT);
      tool(next, ["next", "build"]);
      return serve(next);
    },
    async "Next.js, by webpack"() {
      tool(next, ["next", "build", "--webpack"]);
      return serve(next);
    },
  };
}

/** Starts the built app, and gets a token from it. */
async function serve(project: string): Promise<string> {
  const port = 39_000 + (process.pid % 900);
  const words = ["node_modules/next/dist/bin/next", "start", "--port", String(port)];
  // A process group of its own: its children end with it.
  const server = spawn(process.execPath, words, { cwd: project, stdio: "ignore", detached: true });
  const ended = once(server, "exit");
  try {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const url = `http://127.0.0.1:${port}/api/auth`;
      if ((await fetch(url).catch(() => undefined)) === undefined) await sleep(100);
      else return await callHandler(url);
    }
    throw new Error("does not answer");
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
