import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../server.ts";
import { chartOf, tableOf } from "./chart.ts";
import type { Row } from "./turns.ts";

/** What was measured, in words, and its value with its unit. */
export type Report = Record<string, string>;

/** Contenders side by side. */
export type Table = { title: string; unit: string; rows: readonly Row[] };

const RESULTS = join(import.meta.dirname, "results");

/** The machine that was measured on. */
export const machine = `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}, Node ${process.version}`;

/** Writes tables, and a chart of the first one, beside the benchmark, and gives what to print. */
export function inTables(section: string, tables: readonly Table[], more: Report = {}): Report {
  mkdirSync(RESULTS, { recursive: true });
  const [first] = tables;
  const texts = tables.map(({ title, unit, rows }) => `## ${title}\n\n${tableOf(rows, unit)}\n`);
  const head = `# ${section}\n\n\`npm run bench -- ${section}\` on ${machine}: medians of rounds in which all took turns.\n`;
  const others = Object.entries(more).map(([what, value]) => `- ${what}: ${value}`);
  writeFileSync(join(RESULTS, `${section}.md`), [head, ...texts, others.join("\n"), ""].join("\n"));
  if (first) writeFileSync(join(RESULTS, `${section}.svg`), chartOf(first.rows, `${first.title}, a second`));
  const lines = tables.flatMap(({ title, rows }) =>
    rows.map((row): [string, string] => [`${title}: ${row.name}`, inShort(row)]),
  );
  return { ...Object.fromEntries(lines), ...more };
}

function inShort({ perSecond, cpu, p50, p99 }: Row): string {
  return `${perSecond.toFixed(0)}/s · ${cpu.toFixed(1)} µs · p50 ${p50.toFixed(2)} · p99 ${p99.toFixed(2)} ms`;
}

/** Starts what `npm start` runs, with data of its own. */
export async function startOwnServer(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const data = join(folder, "data");
  const server = await startServer(data, { entry: "built", env });
  return {
    url: server.url,
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
