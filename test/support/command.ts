import { spawn } from "node:child_process";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { runProgram } from "../../src/cli/program.ts";
import { guarded } from "./children.ts";

export const COMMAND = join(import.meta.dirname, "../../dist/bin/mintmark.js");

export type CommandOptions = { environment?: Readonly<Record<string, string>>; input?: string };
type Ended = { status: number | null; stdout: string; stderr: string };

/** Commands that end their process, or never end. */
const OWN_PROCESS = new Set([undefined, "serve", "doctor", "config"]);

let running: Promise<unknown> = Promise.resolve();

/**
 * Runs the `mintmark` command without the environment of this process: in this process, one command at a time, unless the
 * command ends its process. `mintmarkProcess` tests the built program.
 */
export function mintmark(words: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  if (OWN_PROCESS.has(words[0]) && !words.includes("--help")) return mintmarkProcess(words, options);
  const ended = running.then(() => runHere(words, options));
  running = ended.catch(() => {});
  return ended;
}

/** Runs the built `mintmark` command as a process, without the environment of this one. */
export async function mintmarkProcess(
  words: readonly string[],
  { environment = {}, input = "" }: CommandOptions = {},
): Promise<Ended> {
  const env = { PATH: process.env.PATH, ...environment };
  const child = guarded(spawn(process.execPath, [COMMAND, ...words], { env, stdio: ["pipe", "pipe", "pipe"] }));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.end(input);
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

/** A command uses the environment, the streams and the exit status of its process: for its time, they are those of the test. */
async function runHere(words: readonly string[], { environment = {}, input = "" }: CommandOptions): Promise<Ended> {
  const { env, exitCode, stdin } = process;
  const printed = { stdout: "", stderr: "" };
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  const capture = (name: keyof typeof printed) =>
    ((chunk: string | Uint8Array) => {
      printed[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      return true;
    }) as typeof process.stdout.write;
  try {
    process.env = { PATH: env.PATH, ...environment };
    Object.defineProperty(process, "stdin", { value: Readable.from([Buffer.from(input)]), configurable: true });
    process.stdout.write = capture("stdout");
    process.stderr.write = capture("stderr");
    process.exitCode = 0;
    await runProgram(words);
    return { status: Number(process.exitCode), ...printed };
  } finally {
    process.env = env;
    process.exitCode = exitCode;
    Object.defineProperty(process, "stdin", { value: stdin, configurable: true });
    Object.assign(process.stdout, { write: writes.stdout });
    Object.assign(process.stderr, { write: writes.stderr });
  }
}
