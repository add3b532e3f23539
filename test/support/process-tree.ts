import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Stops the clock for a process and its children. */
export function stopAll(parent: ChildProcess): void {
  parent.kill("SIGSTOP");
  signal("SIGSTOP", childrenOf(parent.pid));
}

export function continueAll(parent: ChildProcess): void {
  signal("SIGCONT", childrenOf(parent.pid));
  parent.kill("SIGCONT");
}

/** Kills a process and its children. It is stopped first, so that none is born meanwhile. */
export function killAll(parent: ChildProcess): void {
  parent.kill("SIGSTOP");
  signal("SIGKILL", [...childrenOf(parent.pid), ...(parent.pid === undefined ? [] : [parent.pid])]);
}

function signal(name: NodeJS.Signals, pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself meanwhile.
    }
  }
}

/** PostgreSQL gives every child a process group of its own, so they are found by their parent. */
export function childrenOf(parent: number | undefined): number[] {
  return processes()
    .filter(([, of]) => of === parent)
    .map(([pid]) => pid);
}

type Process = [pid: number, parent: number];

/** All processes of this machine. Slim containers have no `ps`. */
function processes(): Process[] {
  if (!existsSync("/proc/self/stat")) {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as Process);
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): Process[] => {
      try {
        // The name before the state, in brackets, may hold anything.
        const [, , parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/.*\) (\S+) (\d+)/s);
        return [[Number(pid), Number(parent)]];
      } catch {
        return [];
      }
    });
}
