import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { chartOf, tableOf } from "./chart.ts";
import type { Row } from "./rounds.ts";
import type { Report } from "./support.ts";
import { versionsOfPeers } from "./versions.ts";

/** Contenders side by side. */
export type Table = { title: string; unit: string; rows: readonly Row[] };

export const RESULTS = join(import.meta.dirname, "results");

/** The machine of the measurement. */
export const machine = `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}, Node ${process.version}`;

/** Writes tables, and a chart of the first one, to `results`. Returns the report to print. */
export function inTables(section: string, tables: readonly Table[], more: Report = {}): Report {
  mkdirSync(RESULTS, { recursive: true });
  const [first] = tables;
  const texts = tables.map(({ title, unit, rows }) => `## ${title}\n\n${tableOf(rows, unit)}\n`);
  const head = `# ${section}\n\n\`npm run bench -- ${section}\` on ${machine}: medians of several rounds. Installed alternatives: ${versionsOfPeers()}.\n`;
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
