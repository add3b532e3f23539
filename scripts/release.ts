/**
 * Checks what must hold before a version is published. Publishes nothing.
 *
 *     npm run release                     all checks
 *     npm run release -- --skip-tests     those that need seconds
 *
 * Prints one line for each check. Exit status 1 where any fails.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "../test/support/pack.ts";
import { inspect } from "../test/support/package.ts";
import { readOptions } from "../test/support/script-options.ts";
import { type Check, fastChecks } from "./release/checks.ts";
import { createSteps } from "./steps.ts";

const USAGE = "usage: npm run release [-- --skip-tests]\n";
const root = process.cwd();

const slowChecks: Record<string, Check> = {
  "it builds": () => npm("run", "build"),
  "npm run check passes": () => npm("run", "check"),
  "all tests pass": () => npm("exec", "--", "vitest", "run", "--config", "test/vitest.config.ts"),
  "the package packs, and every entry imports": importPackage,
};

/** Rejects without the output of a program that failed: it is above, or of no help. */
function inOneLine(check: Check): string {
  try {
    return check();
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split("\n");
    throw new Error(line);
  }
}

function npm(...words: string[]): string {
  execFileSync("npm", words, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  return "exit 0";
}

/** Imports each entry of the packed files, with the dependencies of this folder. */
function importPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-release-"));
  try {
    const project = join(folder, "package");
    const summary = inspect(pack(folder), project);
    symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
    const { name, exports } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
    const code = entries.map((entry) => `await import("${entry.replace(".", name)}");`).join("\n");
    execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: project, stdio: "pipe" });
    return `${summary}, ${entries.length} entries`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const options = readOptions(USAGE, { "skip-tests": { type: "boolean" }, help: { type: "boolean" } });
const { step, conclude } = createSteps();
const checks = { ...fastChecks(root), ...(!options["skip-tests"] && slowChecks) };
for (const [name, check] of Object.entries(checks)) await step(name, async () => inOneLine(check));
conclude("ready to publish");
