/**
 * Tries hostile inputs on a running server over real sockets, and on verification in this process.
 *
 *     npm run fuzz                              a million inputs
 *     npm run fuzz -- --inputs N --seed S       that many; the same seed makes the same inputs
 *     npm run fuzz -- --only http               a part: http, verify (all in this process), or one of its targets
 *
 * Writes an input that breaks a promise to `test/fuzz/findings`, where the tests try it again; the exit status is then 1.
 */
import { randomInt } from "node:crypto";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { FINDINGS, keepFinding } from "./findings.ts";
import { runHttp } from "./http/run-http.ts";
import type { Measured } from "./http/server.ts";
import { runTarget } from "./run-target.ts";
import { createTally, type Tally } from "./tally.ts";
import { HTTP_SHARE, targets } from "./targets/all.ts";

const PARTS = ["http", "verify", ...Object.keys(targets)];
const USAGE = `usage: npm run fuzz [-- --inputs N] [--seed S] [--only ${PARTS.join("|")}]\n`;
/** Findings that a run writes of one violation. */
const KEPT = 3;
const MEGABYTE = 2 ** 20;

type Plan = { names: string[]; inputs: number; seed: number };

function readArguments(): Plan | "help" | undefined {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: "string" },
        seed: { type: "string" },
        only: { type: "string" },
        help: { type: "boolean" },
      },
    });
    if (values.help) return "help";
    const [inputs, seed] = [Number(values.inputs ?? 1_000_000), Number(values.seed ?? randomInt(2 ** 32))];
    const { only } = values;
    if (!Number.isInteger(inputs) || inputs < 1 || !Number.isInteger(seed)) return undefined;
    if (only !== undefined && !PARTS.includes(only)) return undefined;
    const inProcess = Object.keys(targets);
    return {
      inputs,
      seed,
      names: only === undefined ? [...inProcess, "http"] : only === "verify" ? inProcess : [only],
    };
  } catch {
    return undefined;
  }
}

const strays: Error[] = [];
for (const event of ["unhandledRejection", "uncaughtException", "warning"]) {
  process.on(event, (error: Error) => strays.push(new Error(`${event}: ${error?.message}`, { cause: error })));
}

const found = new Map<string, number>();

function report(target: string, seed: number): (input: unknown, error: Error) => void {
  return (input, error) => {
    const violation = error.name === "Violation" ? error.message : `threw ${error.name}: ${error.message}`;
    const times = (found.get(`${target} ${violation}`) ?? 0) + 1;
    found.set(`${target} ${violation}`, times);
    if (times > KEPT) return;
    const path = keepFinding({ target, violation, seed, input });
    process.stdout.write(`\n  FOUND  ${target}: an input ${violation}\n         ${relative(process.cwd(), path)}\n`);
  };
}

/** Shows the progress of a part, at most twice a second. */
function progressOf(name: string, tally: Tally, inputs: number): () => void {
  let shownAt = 0;
  return () => {
    if (performance.now() - shownAt < (process.stderr.isTTY ? 500 : 20_000)) return;
    shownAt = performance.now();
    const line = `  ${name} ${tally.inputs.toLocaleString("en")} of ${inputs.toLocaleString("en")}`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
}

async function runPart(name: string, inputs: number, seed: number): Promise<number> {
  const tally = createTally(name);
  const options = { inputs, seed, tally, onViolation: report(name, seed), onProgress: progressOf(name, tally, inputs) };
  const part = targets[name];
  if (part !== undefined) await runTarget(part.target, { ...options, strays: () => strays.splice(0) });
  const http = part === undefined ? await runHttp(options).catch((error) => strays.push(error)) : undefined;
  process.stdout.write(`${process.stderr.isTTY ? "\r\x1b[K" : ""}${tally.row()}\n`);
  for (const stray of strays.splice(0)) options.onViolation(null, stray);
  if (typeof http === "object") {
    const { warm, end, exitCode } = http;
    process.stdout.write(
      `          the server worked for ${(end.total / end.requests).toFixed(2)} ms while it answered a request, concurrent ones included\n` +
        `          its memory: ${inMegabytes(warm)} after a tenth of the inputs, ${inMegabytes(end)} at the end; after SIGTERM it ended with ${exitCode}\n`,
    );
  }
  return tally.inputs;
}

function inMegabytes({ rss, heapUsed }: Measured): string {
  return `${(rss / MEGABYTE).toFixed(0)} MB (${(heapUsed / MEGABYTE).toFixed(0)} MB of objects)`;
}

const plan = readArguments();
if (plan === undefined || plan === "help") {
  (plan === "help" ? process.stdout : process.stderr).write(USAGE);
  process.exit(plan === "help" ? 0 : 2);
}
const { names, inputs, seed } = plan;
process.stdout.write(`Fuzzing with seed ${seed}\n`);
const shares = names.map((name) => targets[name]?.share ?? HTTP_SHARE);
const whole = shares.reduce((sum, share) => sum + share, 0);
const start = performance.now();
let tried = 0;
for (const [at, name] of names.entries()) {
  tried += await runPart(name, Math.ceil((inputs * (shares[at] ?? 0)) / whole), seed + at);
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
const findings = [...found.values()].reduce((sum, times) => sum + times, 0);
process.stdout.write(
  `${tried.toLocaleString("en")} inputs in ${seconds} s, seed ${seed}: ${findings === 0 ? "no promise was broken" : `${findings} broke a promise, see ${relative(process.cwd(), FINDINGS)}`}\n`,
);
process.exitCode = findings === 0 ? 0 : 1;
