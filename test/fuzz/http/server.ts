import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { localCaller } from "../../../src/service/access/caller.ts";
import { createTokenService } from "../../../src/service/service.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import { ISSUER } from "../../support/service.ts";
import { storedKeys } from "../keys.ts";

const ROOT = join(import.meta.dirname, "../../..");

/**
 * What the server told of itself: for how many milliseconds it was at work while it answered, all requests at the same
 * time included, the longest since it was asked last; memory in bytes, without what is
 * used no more where it was told to tidy.
 */
export type Measured = { requests: number; total: number; longest: number; rss: number; heapUsed: number };

export type Client = { clientId: string; clientSecret: string };

export type FuzzServer = Awaited<ReturnType<typeof startFuzzServer>>;

/**
 * Starts what `npm start` runs, with a key that the fuzzer knows, too, an administrator, and a client that may
 * do little. Whatever it says on standard error is kept: it must say nothing.
 */
export async function startFuzzServer() {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-fuzz-"));
  const clients = await prepare(folder);
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--import", join(import.meta.dirname, "watch.js"), "dist/bin/main.js"],
    {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        PORT: "0",
        MINTMARK_LOG_LEVEL: "warn",
        MINTMARK_ISSUER: ISSUER,
        MINTMARK_DATA: folder,
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    },
  );
  const log: string[] = [];
  createInterface({ input: child.stderr ?? process.stdin }).on("line", (line) => log.push(line));
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  return {
    port: await portOf(child),
    clients,
    /** Takes what it has logged since this was asked last. */
    takeLog: () => log.splice(0),
    exitCode: () => child.exitCode,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async measure({ tidy = false } = {}): Promise<Measured> {
      child.send({ tidy });
      const [measured] = await once(child, "message");
      return measured as Measured;
    },
    /** Ends it, and gives its exit status; `null` where a signal killed it. */
    async stop(): Promise<number | null> {
      child.kill("SIGTERM");
      const [code] = await ended;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

async function prepare(folder: string): Promise<{ admin: Client; limited: Client }> {
  const store = await openSqliteStore(folder);
  const [key] = storedKeys;
  if (key === undefined) throw new RangeError("There is no key");
  const now = Math.floor(Date.now() / 1000);
  await store.addKey(
    { ...key, createdAt: now, activatesAt: now },
    { id: "fuzz", at: now, action: "keys.add", outcome: "allowed" },
  );
  const service = await createTokenService({ store, issuer: ISSUER });
  const usual = { scopes: [], audiences: [], anySubject: false };
  const admin = await service.clients.create(localCaller, { ...usual, name: "admin", permissions: ["admin"] });
  const limited = await service.clients.create(localCaller, {
    ...usual,
    name: "limited",
    permissions: ["issue"],
    scopes: ["a"],
    maxTtl: 60,
  });
  await service.close();
  return { admin, limited };
}

async function portOf({ stdout }: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: stdout ?? process.stdin })) {
    const [, port] = /^Mintmark listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error("The server did not start");
}
