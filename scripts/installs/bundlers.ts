import { join } from "node:path";
import type { Group } from "./group.ts";
import { install, peers, put, run, tool, type Work } from "./project.ts";

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

/** The server in one file, by bundlers for Node. */
export async function bundlers({ folder, tarball }: Work): Promise<Group> {
  const project = join(folder, "bundled");
  install(project, [tarball, ...peers(), ...TOOLS, "@rollup/plugin-node-resolve"]);
  put(project, { "server.mjs": SERVER, "webpack.config.cjs": WEBPACK, "rollup.config.mjs": ROLLUP });
  const bundle = async (command: readonly string[], program: string) => {
    await run(command, { cwd: project });
    return run([process.execPath, program, join(project, `data-${program.replace("/", "-")}`)], { cwd: project });
  };
  return {
    steps: {
      "bundled by webpack": () => bundle(tool("webpack"), "out/webpack.cjs"),
      "bundled by Rollup": () => bundle([...tool("rollup"), "--config", "--silent"], "out/rollup.mjs"),
    },
  };
}
