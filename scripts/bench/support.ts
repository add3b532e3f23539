import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What was measured, in words, and its value with its unit. */
export type Report = Record<string, string>;

const ROOT = join(import.meta.dirname, "..", "..");

/** Starts what `npm start` runs, on a free port, and waits until it listens. */
export async function startServer(environment: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const child: ChildProcess = spawn(process.execPath, ["dist/main.js"], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      PORT: "0",
      MINTMARK_DATA: join(folder, "data"),
      MINTMARK_LOG_LEVEL: "warn",
      ...environment,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let url = "";
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    url = /listening on (\S+)/.exec(line)?.[1] ?? "";
    if (url !== "") break;
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const pause = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return {
    url,
    data: join(folder, "data"),
    /** Ends the process and leaves its data. */
    pause,
    async stop(): Promise<void> {
      await pause();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The value below which a part of all values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function inMilliseconds(values: readonly number[]): string {
  const [p50, p99, max] = [quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)];
  return `p50 ${p50.toFixed(1)} ms · p99 ${p99.toFixed(1)} ms · max ${max.toFixed(1)} ms · n ${values.length}`;
}

export function progress(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
