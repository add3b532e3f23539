import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SERVER_CORE } from "./contenders.ts";
import { usageOf } from "./usage.ts";

/** What the probe within the server tells every few seconds: bytes, and milliseconds. */
type Told = { heap: number; delay: number };

/** How a server is at a moment: bytes, and open files and connections. */
export type Vitals = { memory: number; heap: number; delay: number; handles: number };

const ROOT = join(import.meta.dirname, "../..");

/** All that is remembered of tokens is forgotten soon, so that a run of some minutes sees all there is to see. In seconds. */
const SHORT = { MINTMARK_TTL: "60", MINTMARK_MAX_TTL: "60", MINTMARK_REFRESH_TTL: "120", MINTMARK_REFRESH_IDLE: "120" };

/** Starts what `npm start` runs, with a probe within. */
export async function startSoakServer() {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-soak-"));
  const probe = join(import.meta.dirname, "soak-probe.js");
  const child = spawn("taskset", ["-c", SERVER_CORE, process.execPath, "--import", probe, "dist/bin/main.js"], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      PORT: "0",
      MINTMARK_DATA: join(folder, "data"),
      MINTMARK_LOG_LEVEL: "error",
      ...SHORT,
    },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const pid = child.pid ?? 0;
  return {
    url: await urlOf(child.stdout),
    /** Resolves when the probe tells how the last few seconds were. */
    async vitals(): Promise<Vitals> {
      const [told] = (await once(child, "message")) as [Told];
      return { ...told, memory: usageOf(pid).memory, handles: readdirSync(`/proc/${pid}/fd`).length };
    },
    async stop(): Promise<void> {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function urlOf(stdout: NodeJS.ReadableStream | null): Promise<string> {
  if (stdout === null) throw new Error("the server says nothing");
  for await (const line of createInterface({ input: stdout })) {
    const [, url] = /^Mintmark listening on (\S+)/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error("the server did not start");
}
