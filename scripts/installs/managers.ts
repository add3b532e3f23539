import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Group, plainRow } from "./group.ts";
import { install, peers, put, putPrograms, versionOf, type Work } from "./project.ts";

/** Installed by pnpm, which links each package to what its manifest names alone. */
export async function pnpm({ folder, tarball, issuer }: Work): Promise<Group> {
  const tool = join(folder, "pnpm-itself");
  install(tool, ["pnpm"]);
  const project = emptyProject(join(folder, "pnpm"));
  const program = join(tool, "node_modules/.bin/pnpm");
  execFileSync(program, ["add", tarball, ...peers()], { cwd: project, stdio: ["ignore", "ignore", "inherit"] });
  return { rows: [plainRow(`pnpm ${versionOf(tool, "pnpm")}`, [process.execPath], { project, issuer })] };
}

/** Installed by Yarn without `node_modules`: an import that the manifest does not name fails. */
export async function yarn({ folder, tarball, issuer }: Work): Promise<Group> {
  const tool = join(folder, "yarn-itself");
  install(tool, ["@yarnpkg/cli-dist"]);
  const program = join(tool, "node_modules/@yarnpkg/cli-dist/bin/yarn.js");
  const project = emptyProject(join(folder, "yarn"));
  const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
  const env = {
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_NODE_LINKER: "pnp",
    YARN_ENABLE_TELEMETRY: "0",
    YARN_GLOBAL_FOLDER: join(folder, "yarn-global"),
  };
  put(project, { "yarn.lock": "" });
  const words = [program, "add", `mintmark@file:${tarball}`, ...peers()];
  execFileSync(process.execPath, words, {
    cwd: project,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const name = `Yarn ${versionOf(tool, "@yarnpkg/cli-dist")}, Plug'n'Play`;
  return { rows: [plainRow(name, [process.execPath, program, "node"], { project, issuer, env })] };
}

function emptyProject(project: string): string {
  put(project, { "package.json": JSON.stringify({ name: "consumer", private: true }) });
  putPrograms(project, "cells", "plain");
  return project;
}
