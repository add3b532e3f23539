import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";

import { guarded } from "./children.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The sources as in `npm run dev`, or the build as in `npm start`. */
const ENTRIES = { source: ["--import", "tsx", "src/program/main.ts"], built: ["dist/bin/main.js"] };

/** `root` is the folder of another copy of the project, `node` another Node, `flags` what it is given. */
type LaunchOptions = {
  entry?: keyof typeof ENTRIES;
  root?: string;
  node?: string;
  flags?: readonly string[];
  /** Whether the process has a channel for messages. */
  ipc?: boolean;
  /** The command that runs the given one: default, the same. */
  wrap?: (command: readonly string[]) => readonly string[];
};

const WELCOME = /^Mintmark listening on (\S+)\n/m;

type Environment = Readonly<Record<string, string>>;

/** The exit of a process. The code is null after a signal. */
type Ended = { code: number | null; stdout: string; stderr: string };

export type StartedServer = Awaited<ReturnType<typeof startServer>>;

/**
 * Starts the server as a process of its own, on a free port unless `PORT` names one, and waits until it listens. Killed
 * at the end of its block.
 */
export async function startServer(environment: Environment, options?: LaunchOptions) {
  const { child, output, ended, welcome } = launch(environment, options);
  const origin = await Promise.race([welcome, ended.then(() => undefined)]);
  if (origin === undefined) throw new Error(`the server did not start: ${output.stderr}`);
  return {
    origin,
    child,
    pid: child.pid,
    /** Standard output until now. */
    stdout: () => output.stdout,
    /** The log until now. */
    stderr: () => output.stderr,
    /** Resolves when the process has ended. */
    ended,
    stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/**
 * Starts a server that should refuse to start. Returns its exit, and the message of its log where that is one fatal line.
 * Kills a server that listens.
 */
export async function startInVain(environment: Environment): Promise<Ended & { message: string | undefined }> {
  const { child, ended, welcome } = launch(environment);
  await Promise.race([welcome, ended]);
  child.kill("SIGKILL");
  const how = await ended;
  return { ...how, message: fatalMessageOf(how.stderr) };
}

/** The message of the log, where that is one fatal line and nothing else. */
export function fatalMessageOf(stderr: string): string | undefined {
  const [, line] = /^(\{.*\})\n$/.exec(stderr) ?? [];
  const { level, msg } = JSON.parse(line ?? "{}");
  return level === 60 && typeof msg === "string" ? msg : undefined;
}

/** Starts the server and kills it as soon as `moment` resolves. */
export async function startAndKill(environment: Environment, moment: Promise<unknown>): Promise<Ended> {
  const { child, ended } = launch(environment);
  void moment.then(() => child.kill("SIGKILL"));
  return ended;
}

export function launch(
  environment: Environment,
  { entry = "built", root = ROOT, node = process.execPath, flags = [], ipc = false, ...rest }: LaunchOptions = {},
) {
  const { wrap = (command) => command } = rest;
  const [program = node, ...words] = wrap([node, ...flags, ...ENTRIES[entry]]);
  const child = guarded(
    spawn(program, words, {
      cwd: root,
      // No other variable of this environment: the server refuses an unknown MINTMARK_ variable.
      env: { PATH: process.env.PATH, PORT: "0", ...environment },
      stdio: ["ignore", "pipe", "pipe", ...(ipc ? (["ipc"] as const) : [])],
    }),
  );
  if (child.stdout === null || child.stderr === null) throw new Error("a process has no output");
  const { stdout, stderr } = child;
  const output = { stdout: "", stderr: "" };
  stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const welcome = new Promise<string>((resolve) => {
    stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text;
      const [, origin] = output.stdout.match(WELCOME) ?? [];
      if (origin !== undefined) resolve(origin);
    });
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...output }));
  });
  return { child, output, ended, welcome };
}

/**
 * Gives a port that is free now and stays so: it lies below those that the system hands out, so no
 * connection and no server on port 0 takes it meanwhile.
 */
export async function freePort(): Promise<string> {
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  return (await isFree(port)) ? String(port) : freePort();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
