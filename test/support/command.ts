import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { guarded } from "./children.ts";
export const COMMAND = join(import.meta.dirname, "../../dist/bin/mintmark.js");

export type CommandOptions = { environment?: Readonly<Record<string, string>>; input?: string };

/** Runs the `mintmark` command as a process, without the environment of this one. */
export async function mintmark(words: readonly string[], { environment = {}, input = "" }: CommandOptions = {}) {
  const env = { PATH: process.env.PATH, ...environment };
  const child = guarded(spawn(process.execPath, [COMMAND, ...words], { env, stdio: ["pipe", "pipe", "pipe"] }));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.end(input);
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}
