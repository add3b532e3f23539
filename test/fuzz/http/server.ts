import { once } from "node:events";
import { join } from "node:path";
import { createTokenService } from "../../../src/service/service.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import type { Credentials } from "../../support/call-as.ts";
import { addClient } from "../../support/clients.ts";
import { startServer } from "../../support/process.ts";
import { ISSUER, temporaryFolder } from "../../support/service.ts";
import { storedKeys } from "../keys.ts";

/**
 * The server's report of itself: the milliseconds of work on requests in total, and for the slowest since the last report;
 * memory in bytes, after a collection of garbage where `tidy` asked for one.
 */
export type Measured = { requests: number; total: number; longest: number; rss: number; heapUsed: number };

export type FuzzServer = Awaited<ReturnType<typeof startFuzzServer>>;

/** Starts the built server with a key that the fuzzer has too, an administrator, and a client of few permissions. */
export async function startFuzzServer() {
  const folder = temporaryFolder();
  const clients = await prepare(folder.path);
  const environment = { MINTMARK_LOG_LEVEL: "warn", MINTMARK_ISSUER: ISSUER, MINTMARK_DATA: folder.path };
  const flags = ["--expose-gc", "--import", join(import.meta.dirname, "watch.js")];
  const { origin, child, stderr, stop } = await startServer(environment, { flags, ipc: true });
  let read = 0;
  return {
    port: Number(new URL(origin).port),
    clients,
    /** The lines of its log since the last call. A sound server writes none. */
    takeLog(): string[] {
      const lines = stderr().slice(read).split("\n").slice(0, -1);
      read += lines.reduce((sum, { length }) => sum + length + 1, 0);
      return lines;
    },
    exitCode: () => child.exitCode,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async measure({ tidy = false } = {}): Promise<Measured> {
      child.send({ tidy });
      const [measured] = await once(child, "message");
      return measured as Measured;
    },
    /** Ends it, and returns its exit status; `null` after a signal. */
    async stop(): Promise<number | null> {
      const { code } = await stop("SIGTERM");
      folder[Symbol.dispose]();
      return code;
    },
  };
}

async function prepare(folder: string): Promise<{ admin: Credentials; limited: Credentials; posting: Credentials }> {
  const store = await openSqliteStore(folder);
  const [key] = storedKeys;
  if (key === undefined) throw new RangeError("There is no key");
  const now = Math.floor(Date.now() / 1000);
  await store.addKey(
    { ...key, createdAt: now, activatesAt: now },
    { id: "fuzz", at: now, action: "keys.add", outcome: "allowed" },
  );
  const service = await createTokenService({ store, issuer: ISSUER });
  const admin = await addClient(service, { name: "admin", permissions: ["admin"] });
  const limited = await addClient(service, { name: "limited", permissions: ["issue"], scopes: ["a"], maxTtl: 60 });
  const posting = await addClient(service, {
    name: "posting",
    permissions: ["issue", "introspect"],
    authMethod: "client_secret_post",
  });
  await service.close();
  return { admin, limited, posting };
}
