/**
 * Packs the package, inspects it, installs it into empty projects and uses it there. Prints a line for each step, and at
 * the end a table in Markdown of what works where.
 *
 *     npm run installs                             all
 *     npm run installs -- --only express,hono      these groups
 *     npm run installs -- --markdown FILE          writes the table to a file, too
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "../../test/support/pack.ts";
import { inspect } from "../../test/support/package.ts";
import { startServer } from "../../test/support/process.ts";
import { readOptions } from "../../test/support/script-options.ts";
import { createSteps } from "../steps.ts";
import { bundlers } from "./bundlers.ts";
import { express, fastify, hono } from "./frameworks.ts";
import type { Prepare } from "./group.ts";
import { pnpm, yarn } from "./managers.ts";
import { nextjs } from "./next.ts";
import { lowest, nodes, types } from "./nodes.ts";
import { bun, deno, workerd } from "./runtimes.ts";
import { failuresOf, markdown, type Outcomes, outcomesOf } from "./table.ts";
import { jest, vitest } from "./testers.ts";

const GROUPS: Record<string, Prepare> = {
  node: nodes,
  bun,
  deno,
  workerd,
  next: nextjs,
  express,
  fastify,
  hono,
  jest,
  vitest,
  lowest,
  pnpm,
  yarn,
  types,
  bundlers,
};

const USAGE = `usage: npm run installs [-- [--only ${Object.keys(GROUPS).join(",")}] [--markdown FILE]]\n`;

const options = readOptions(USAGE, {
  only: { type: "string" },
  markdown: { type: "string" },
  help: { type: "boolean" },
});
const chosen = options.only?.split(",") ?? Object.keys(GROUPS);
if (chosen.some((name) => !Object.hasOwn(GROUPS, name))) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const { step, conclude } = createSteps();
const table = new Map<string, Outcomes>();

async function runGroup(name: string, work: Parameters<Prepare>[0]): Promise<void> {
  const { rows = [], steps = {} } = (await GROUPS[name]?.(work)) ?? {};
  for (const row of rows)
    await step(row.name, async () => {
      const outcomes = await outcomesOf(row);
      table.set(row.name, outcomes);
      const failures = failuresOf(outcomes);
      if (failures.length > 0) throw new Error(failures.join("\n"));
      return Object.values(outcomes).join(" · ");
    });
  for (const [use, run] of Object.entries(steps)) await step(use, run);
}

const folder = mkdtempSync(join(tmpdir(), "mintmark-installs-"));
try {
  const tarball = pack(folder);
  await step("the package holds the listed files alone", async () => inspect(tarball, join(folder, "unpacked")));
  await using server = await startServer({ MINTMARK_DATA: join(folder, "data") });
  for (const name of chosen) {
    const prepared = runGroup(name, { folder, tarball, issuer: server.origin });
    await prepared.catch((error) => step(name, () => Promise.reject(error)));
  }
  process.stdout.write(`\n${markdown(table)}\n`);
  if (options.markdown !== undefined) writeFileSync(options.markdown, markdown(table));
  conclude("the package can be installed and used");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
