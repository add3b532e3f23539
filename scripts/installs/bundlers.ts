import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Bundled consumers, by their bundler. Each returns its observation, or throws. */
export function bundlers(folder: string, tarball: string): Record<string, () => Promise<string>> {
  const plain = join(folder, "bundled");
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
  };
}
