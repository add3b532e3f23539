import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { blockOf } from "../../test/support/guide.ts";
import type { Group } from "./group.ts";
import { install, peers, put, run, tool, versionOf, type Work } from "./project.ts";

const GUIDE = "docs/guides/testing.md";

/** Jest, which compiles to CommonJS, as the guide to tests sets it. */
export async function jest({ folder, tarball, issuer }: Work): Promise<Group> {
  const project = join(folder, "jest");
  const packages = blockOf(GUIDE, "sh", "babel-jest").trim().split(/\s+/).slice(3);
  install(project, [tarball, ...peers(), ...packages]);
  put(project, { "jest.config.cjs": blockOf(GUIDE, "js", "transformIgnorePatterns") });
  putTest(project, { cells: "cells.js", test: "cells.test.js" });
  return { rows: [rowOf(`Jest ${versionOf(project, "jest")}`, tool("jest"), { project, issuer })] };
}

export async function vitest({ folder, tarball, issuer }: Work): Promise<Group> {
  const project = join(folder, "vitest");
  install(project, [tarball, ...peers(), "vitest"]);
  putTest(project, { cells: "cells.mjs", test: "cells.test.mjs" });
  const command = [...tool("vitest"), "run", "--globals"];
  return { rows: [rowOf(`vitest ${versionOf(project, "vitest")}`, command, { project, issuer })] };
}

function putTest(project: string, names: { cells: string; test: string }): void {
  copyFileSync(join(import.meta.dirname, "programs/cells.js"), join(project, names.cells));
  copyFileSync(join(import.meta.dirname, "programs/tested.js"), join(project, names.test));
}

/** Runs one test of the file for each cell. */
function rowOf(name: string, command: readonly string[], { project, issuer }: { project: string; issuer: string }) {
  return {
    name,
    async use(column: string) {
      const env = { ISSUER: issuer, DATA: join(project, "data") };
      await run([...command, "-t", `^${column}$`], { cwd: project, env });
    },
  };
}
