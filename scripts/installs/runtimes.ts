import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { build, type Plugin } from "esbuild";
import { freePort } from "../../test/support/process.ts";
import { programOf, workerdConfig } from "../../test/support/runtimes.ts";
import { type Group, installPlain, plainRow } from "./group.ts";
import { peers, put, putPrograms, ROOT, versionOf, type Work } from "./project.ts";
import type { Column, Exception, Row } from "./table.ts";

const RUNTIMES = join(ROOT, "test/runtimes");

function programFor(runtime: "bun" | "deno" | "workerd"): { program: string; version: string } {
  if (programOf(runtime) === undefined)
    execFileSync("npm", ["ci", "--prefix", RUNTIMES, "--no-audit", "--no-fund"], { cwd: ROOT, stdio: "ignore" });
  const program = programOf(runtime);
  if (program === undefined) throw new Error(`${runtime} has no package for this system`);
  return { program, version: versionOf(RUNTIMES, runtime) };
}

/** A project that the runtimes share. */
function projectFor({ folder, tarball }: Work): string {
  const project = join(folder, "runtimes");
  return existsSync(project) ? project : installPlain(project, [tarball, ...peers()]);
}

export async function bun(work: Work): Promise<Group> {
  const { program, version } = programFor("bun");
  const project = projectFor(work);
  return { rows: [plainRow(`Bun ${version}`, [program, "run"], { project, issuer: work.issuer })] };
}

export async function deno(work: Work): Promise<Group> {
  const { program, version } = programFor("deno");
  const project = projectFor(work);
  const command = [program, "run", "--node-modules-dir=manual", "--no-remote", "--allow-all"];
  return { rows: [plainRow(`Deno ${version}`, command, { project, issuer: work.issuer })] };
}

/** Without flags, the verifier in a Durable Object. */
export async function workerd(work: Work): Promise<Group> {
  const { program, version } = programFor("workerd");
  const project = projectFor(work);
  putPrograms(project, "worker");
  const options = { program, project, issuer: work.issuer };
  const row: Row = {
    name: `workerd ${version}, a Durable Object`,
    except: { server: NEEDS_NODE, testing: NEEDS_NODE },
    use: (column) => useWorker(column, options),
  };
  return { rows: [row] };
}

/** The error is of the bundler. */
const NEEDS_NODE: Exception = { refused: "the service needs modules of Node", error: /Could not resolve "fs"/ };

type Worker = { program: string; project: string; issuer: string };

/** What cells import when they run: the other cells work without. */
const SERVICE: Partial<Record<Column, string>> = { server: "mintmark", testing: "mintmark/testing" };

/** Leaves imports of some names to the runtime, which has none of them. */
const leaveOut = (filter: RegExp, except: string | undefined): Plugin => ({
  name: "leave-out",
  setup: ({ onResolve }) =>
    onResolve({ filter }, ({ path }) => (path === except ? undefined : { path, external: true })),
});

async function useWorker(column: Column, { program, project, issuer }: Worker): Promise<void> {
  await build({
    entryPoints: [join(project, "worker.mjs")],
    outfile: join(project, "app.mjs"),
    bundle: true,
    platform: "neutral",
    format: "esm",
    conditions: ["worker", "import"],
    mainFields: ["module", "main"],
    external: ["node:*"],
    plugins: [leaveOut(/^mintmark(\/testing)?$/, SERVICE[column])],
    logLevel: "silent",
  });
  const port = await freePort();
  put(project, { "config.capnp": workerdConfig(port) });
  const child = spawn(program, ["serve", "config.capnp"], { cwd: project, stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = once(child, "exit");
  try {
    const ask = () => fetch(`http://127.0.0.1:${port}/${column}?issuer=${encodeURIComponent(issuer)}`);
    let response = await ask().catch(() => undefined);
    for (let attempt = 0; response === undefined && attempt < 200; attempt += 1) {
      await sleep(50);
      response = await ask().catch(() => undefined);
    }
    const answer = await response?.text();
    child.kill("SIGKILL");
    if (answer !== "works") throw new Error(answer ?? (await output).join(""));
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}
