import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../../test/support/process.ts";

/** What was measured, in words, and its value with its unit. */
export type Report = Record<string, string>;

/** Starts what `npm start` runs, with data of its own. */
export async function startOwnServer(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const data = join(folder, "data");
  const server = await startServer({ MINTMARK_DATA: data, ...env });
  return {
    url: server.origin,
    data,
    /** Ends the process and leaves its data. */
    pause: () => server.stop(),
    async stop(): Promise<void> {
      await server.stop();
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
