import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

export const ROOT = join(import.meta.dirname, "../..");

const PEERS = ["@trpc/client", "@trpc/server", "zod"];

/** What every group of uses works with: a folder of its own, the packed package, and a token service to call. */
export type Work = { folder: string; tarball: string; issuer: string };

const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** Installs packages into an empty project by npm. */
export function install(folder: string, packages: readonly string[], words: readonly string[] = []): void {
  put(folder, { "package.json": JSON.stringify({ name: "consumer", private: true }) });
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  execFileSync("npm", ["install", ...quiet, ...words, ...packages], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** The lowest peers that the package allows. */
export function lowestPeers(): string[] {
  const { peerDependencies } = manifestOf(ROOT);
  return PEERS.map((name) => `${name}@${String(peerDependencies[name]).replace("^", "")}`);
}

/** The peers of this repository. */
export function peers(): string[] {
  return PEERS.map((name) => `${name}@${manifestOf(join(ROOT, "node_modules", name)).version}`);
}

/** The version of a package that a project has. */
export function versionOf(folder: string, name: string): string {
  return manifestOf(join(folder, "node_modules", name)).version;
}

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Copies programs of this folder into a project, as modules. */
export function putPrograms(folder: string, ...names: string[]): void {
  for (const name of names)
    copyFileSync(join(import.meta.dirname, "programs", `${name}.js`), join(folder, `${name}.mjs`));
}

/** The command of a program that a project has. Not by `npx`, which would leave it running where it is killed. */
export const tool = (name: string): string[] => [process.execPath, join("node_modules/.bin", name)];

const start = promisify(execFile);

/** Builds are slow on a busy machine. */
const TIMEOUT_MS = 900_000;

type RunOptions = { cwd: string; env?: Record<string, string> };

/** Runs a program to its end. Gives what it prints; rejects with what it says if it fails. */
export async function run(command: readonly string[], { cwd, env = {} }: RunOptions): Promise<string> {
  const [program = "", ...words] = command;
  const options = { cwd, env: { ...process.env, ...env }, timeout: TIMEOUT_MS, encoding: "utf8" } as const;
  try {
    return (await start(program, words, options)).stdout.trim();
  } catch (error) {
    const { stdout, stderr, message, killed } = error as Error & { stdout?: string; stderr?: string; killed?: boolean };
    if (killed) throw new Error(`Error: ${command.join(" ")} took longer than ${TIMEOUT_MS} ms`);
    throw new Error(`${stderr}${stdout}`.trim() || message);
  }
}
