import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { guarded } from "../support/children.ts";
import { freePort } from "../support/process.ts";
import { send } from "../support/request.ts";
import { temporaryFolder } from "../support/service.ts";

const ROOT = join(import.meta.dirname, "../..");

type Output = "pipe" | number;

/** Starts the server with redirected output, and waits until it responds. Killed at the end of the block. */
async function start(environment: Record<string, string>, output: Output) {
  const folder = temporaryFolder();
  const PORT = await freePort();
  const child = guarded(
    spawn(process.execPath, ["dist/bin/main.js"], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, MINTMARK_DATA: join(folder.path, "data"), PORT, ...environment },
      stdio: ["ignore", output, output],
    }),
  );
  const url = `http://127.0.0.1:${PORT}`;
  const dispose = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    folder[Symbol.dispose]();
  };
  try {
    // The log says when all workers listen.
    if (child.stdout !== null) await once(child.stdout, "data");
    await expect.poll(() => statusOf(`${url}/readyz`), { timeout: 15_000, interval: 50 }).toBe(200);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { child, url, [Symbol.asyncDispose]: dispose };
}

const statusOf = (url: string) =>
  send(url).then(
    ({ status }) => status,
    () => 0,
  );

/** Makes the server log, and expects that it continues to serve and stops on SIGTERM. */
async function expectSound(child: ChildProcess, url: string): Promise<void> {
  for (let at = 0; at < 20; at += 1) expect(await statusOf(`${url}/trpc/getToken`)).toBe(200);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
}

describe("a server", () => {
  it.each([
    ["one process", {}],
    ["two workers", { MINTMARK_WORKERS: "2" }],
  ])("serves on when whatever read its output is gone, as %s", async (_name, environment: Record<string, string>) => {
    await using server = await start({ ...environment, MINTMARK_LOG_LEVEL: "debug" }, "pipe");
    server.child.stdout?.destroy();
    server.child.stderr?.destroy();
    await expectSound(server.child, server.url);
  });

  it.runIf(process.platform === "linux")("serves on while the disk of its log is full", async () => {
    const full = openSync("/dev/full", "w");
    try {
      await using server = await start({ MINTMARK_LOG_LEVEL: "debug" }, full);
      await expectSound(server.child, server.url);
    } finally {
      closeSync(full);
    }
  });
});
