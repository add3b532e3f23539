import type { ChildProcess } from "node:child_process";
import { killAll } from "./process-tree.ts";

const running = new Map<ChildProcess, () => void>();

/**
 * Kills a process and its children at the end of the test file (see leftovers.ts) and of this process: a test that times out
 * never reaches the end of its block. `isGroup` kills the whole group of a process that was started `detached`.
 */
export function guarded<Child extends ChildProcess>(child: Child, { isGroup = false } = {}): Child {
  const kill = () => (isGroup ? killGroup(child.pid) : killAll(child));
  running.set(child, kill);
  child.once("exit", () => {
    running.delete(child);
    if (isGroup) killGroup(child.pid);
  });
  return child;
}

export function killGuarded(): void {
  for (const kill of running.values()) kill();
  running.clear();
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // The group has ended.
  }
}

process.once("exit", killGuarded);
