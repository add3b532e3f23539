import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";

import { guarded } from "./children.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const WELCOME = /^Mintmark listening on (\S+)\n/m;

type Environment = Readonly<Record<string, string>>;

/** How a process ended. The code is null where a signal killed it. */
type Ended = { code: number | null; stdout: string; stderr: string };

/** Starts the real server as a process of its own, and waits until it listens. Killed at the end of its block. */
export async function startServer(environment: Environment) {
  const { child, output, ended, welcome } = launch(environment);
  const origin = await Promise.race([welcome, ended.then(() => undefined)]);
  if (origin === undefined) throw new Error(`The server did not start: ${output.stderr}`);
  return {
    origin,
    pid: child.pid,
    /** What it has printed until now. */
    stdout: () => output.stdout,
    /** What it has logged until now. */
    stderr: () => output.stderr,
    /** Resolves when it has ended, for whatever reason. */
    ended,
    stop(signal: NodeJS.Signals): Promise<Ended> {
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
 * Starts the server where it should refuse to, and gives how it ended, with the message of the one fatal line of its log
 * where it wrote that and nothing else. One that listens after all is killed.
 */
export async function startInVain(environment: Environment): Promise<Ended & { message: string | undefined }> {
  const { child, ended, welcome } = launch(environment);
  await Promise.race([welcome, ended]);
  child.kill("SIGKILL");
  const how = await ended;
  return { ...how, message: fatalMessageOf(how.stderr) };
}

/** The message of a fatal line of a log, where standard error has that and nothing else. */
export function fatalMessageOf(stderr: string): string | undefined {
  const [, line] = /^(\{.*\})\n$/.exec(stderr) ?? [];
  const { level, msg } = JSON.parse(line ?? "{}");
  return level === 60 && typeof msg === "string" ? msg : undefined;
}

/** Starts the server and kills it when a moment has come, wherever it is by then. */
export async function startAndKill(environment: Environment, moment: Promise<unknown>): Promise<Ended> {
  const { child, ended } = launch(environment);
  void moment.then(() => child.kill("SIGKILL"));
  return ended;
}

function launch(environment: Environment) {
  const child = guarded(
    spawn(process.execPath, ["dist/bin/main.js"], {
      cwd: ROOT,
      // Nothing else of the environment: the server refuses a MINTMARK_ variable that it does not know.
      env: { PATH: process.env.PATH, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  const output = { stdout: "", stderr: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const welcome = new Promise<string | undefined>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
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
