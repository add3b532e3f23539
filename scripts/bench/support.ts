import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../../test/support/process.ts";

/** Measurements by their names, each with its unit. */
export type Report = Record<string, string>;

/** The server runs on the first processor, its load on the second. */
export const SERVER_CORE = "0";
export const LOAD_CORE = "1";

/** Starts what `npm start` runs, with data of its own. */
export async function startOwnServer(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const server = await startServer({ MINTMARK_DATA: join(folder, "data"), ...env });
  return {
    url: server.origin,
    async stop(): Promise<void> {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Runs a program of this folder as a process of its own, on the processor of the load, and sends it a plan. Resolves with
 * its messages when it ends. Rejects unless it ends with 0.
 */
export async function runChild<Message>(
  program: string,
  plan: object,
  onMessage: (message: Message) => void = () => {},
): Promise<Message[]> {
  const child = fork(join(import.meta.dirname, program), { execArgv: ["--import", "tsx", "--expose-gc"] });
  execFileSync("taskset", ["-acp", LOAD_CORE, String(child.pid)], { stdio: "ignore" });
  const messages: Message[] = [];
  child.on("message", (message: Message) => {
    messages.push(message);
    onMessage(message);
  });
  child.send(plan);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return messages;
}

/** The value below which a part of all values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function inMilliseconds(values: readonly number[]): string {
  const [p50, p99, max] = [quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)];
  return `p50 ${p50.toFixed(1)} ms · p99 ${p99.toFixed(1)} ms · max ${max.toFixed(1)} ms · n ${values.length}`;
}

export function progress(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
