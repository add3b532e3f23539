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
  "app/api/token/route.ts": `import { createTokenRouter, createTokenService, localCaller } from "mintmark";
let service: ReturnType<typeof createTokenService> | undefined;
export const dynamic = "force-dynamic";
export async function GET() {
  service ??= createTokenService();
  const caller = createTokenRouter(await service).createCaller({ authenticate: async () => localCaller });
  return Response.json(await caller.getToken({ subject: "ada" }));
}`,
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
      const response = await fetch(`http://127.0.0.1:${port}/api/token`).catch(() => undefined);
      if (response === undefined) await sleep(100);
      else if (response.ok) return `answers ${response.status}`;
      else throw new Error(`answers ${response.status}`);
    }
    throw new Error("does not answer");
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, "SIGKILL");
    await ended;
  }
}
