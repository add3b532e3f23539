import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type SmallDisk = {
  path: string;
  /** Whether it is a separate file system, which can be filled. */
  canBeFull: boolean;
  fill(): void;
  empty(): void;
  [Symbol.dispose](): void;
};

/** Mounts a small file system in memory where that is allowed; otherwise makes a folder. */
export function openSmallDisk(megabytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), "mintmark-chaos-"));
  const canBeFull = mount(path, megabytes);
  const filler = join(path, "filler");
  const end = () => {
    if (!canBeFull) return rmSync(path, { recursive: true, force: true });
    execFileSync("umount", ["--lazy", path]);
    rmdirSync(path);
  };
  // A mount would outlive an interrupted run.
  process.once("exit", end);
  return {
    path,
    canBeFull,
    fill: () => fill(filler),
    empty: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      process.off("exit", end);
      end();
    },
  };
}

function mount(path: string, megabytes: number): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function fill(file: string): void {
  const descriptor = openSync(file, "a");
  try {
    for (const size of [1 << 20, 1 << 12, 1]) writeUntilFull(descriptor, Buffer.alloc(size));
  } finally {
    closeSync(descriptor);
  }
}

function writeUntilFull(descriptor: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(descriptor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
