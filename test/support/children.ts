import type { ChildProcess } from "node:child_process";
import { killAll } from "./process-tree.ts";

const running = new Map<ChildProcess, () => void>();

/**
 * Kills a process with its children when the test file that started it is over (see leftovers.ts), and when this process
 * ends: a test that runs into its time limit never comes to the end of its block. `isGroup` is for a process that was
 * started `detached`: whatever it leaves behind is killed with it.
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
    // All of them have ended.
  }
}

process.once("exit", killGuarded);
