/** Runs the static checks, two groups at a time, and prints the output of one that fails. Exit status 1 where any fails. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setup as buildIfOutdated } from "../test/support/build.ts";

/** Both take about as long. */
const GROUPS = [
  ["check:types", "check:code"],
  ["check:package", "check:unused"],
];

async function passes(script: string): Promise<boolean> {
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn("npm", ["run", script], { cwd: join(import.meta.dirname, ".."), stdio: [...stdio] });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (status !== 0) process.stderr.write(`${stdout}${stderr}`);
  return status === 0;
}

buildIfOutdated();
const outcomes = await Promise.all(
  GROUPS.map(async (scripts) => {
    const passed = [];
    for (const script of scripts) passed.push(await passes(script));
    return passed;
  }),
);
process.exitCode = outcomes.flat().every(Boolean) ? 0 : 1;
