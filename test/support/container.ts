import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./process.ts";
import { temporaryFolder } from "./service.ts";

const ROOT = join(import.meta.dirname, "../..");

export const USER = 12345;
const GROUP = 23456;

/** Another user with a supplementary group and no capabilities, as the first process, on a read-only file system. */
const NAMESPACES = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
const READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"';
const IDENTITY = `--reuid ${USER} --regid ${USER} --groups ${GROUP} --bounding-set -all --no-new-privs`.split(" ");

function words(folder: string, command: readonly string[]): string[] {
  return [...NAMESPACES, "sh", "-c", READ_ONLY, folder, "setpriv", ...IDENTITY, ...command];
}

/** Whether this user may do that here, and other users can read the program. */
export function canContain(): boolean {
  using folder = temporaryFolder();
  const tried = "require('node:fs').accessSync('dist/bin/main.js'); process.exit(process.pid === 1 ? 0 : 1)";
  return spawnSync("unshare", words(folder.path, [process.execPath, "-e", tried]), { cwd: ROOT }).status === 0;
}

/**
 * The mounted folder of a container: `data` with an owner and a mode, and files with secrets. Gone at the end of its block.
 */
export function mountedFolder(data: { user: number; mode: number }, secrets: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  const pathOf = (name: string) => join(folder.path, name);
  mkdirSync(pathOf("data"));
  chownSync(pathOf("data"), data.user, GROUP);
  chmodSync(pathOf("data"), data.mode);
  for (const [name, content] of Object.entries(secrets)) {
    writeFileSync(pathOf(name), content, { mode: 0o440 });
    chownSync(pathOf(name), 0, GROUP);
  }
  return { ...folder, pathOf };
}

/** Starts the real program, or another command of Node's, as a container does. Killed at the end of its block. */
export function startContained(folder: string, environment: Readonly<Record<string, string>>, program?: string[]) {
  return startFirstProcess(environment, ([node = "", ...main]) => [
    "unshare",
    ...words(folder, [node, ...(program ?? main)]),
  ]);
}

/** Starts the server by a command that makes it the first process of its namespace. Killed at the end of its block. */
export function startFirstProcess(
  environment: Readonly<Record<string, string>>,
  wrap: (command: readonly string[]) => readonly string[],
) {
  const { child, ended, welcome } = launch(environment, { wrap });
  const origin = Promise.race([welcome, ended.then(({ stderr }) => Promise.reject(new Error(`no start: ${stderr}`)))]);
  // Not every test waits for it.
  origin.catch(() => {});
  return {
    origin,
    ended,
    /** Sends a signal to the first process of the container, from outside. */
    signal(name: NodeJS.Signals): void {
      const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ");
      process.kill(Number(first), name);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
