import { fork } from "node:child_process";
import { once } from "node:events";
import { createTokenClient } from "../../src/client/client.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { createJti } from "../../src/token/jti.ts";
import { progress, type Report, startOwnServer } from "./support.ts";

const REVOKED = 1_000_000;
const MEGABYTE = 1024 * 1024;

/** What the process that holds the verifier tells of itself. */
export type Told = { what: string; ms: number; heap: number; rss: number };

/** A million revocations that matter still: what a verifier needs to hold them, and how long until it does. */
export async function measure(): Promise<Report> {
  const first = await startOwnServer();
  await first.pause();
  await fill(first.data);
  progress(`${REVOKED} revocations are in the store`);
  const startedAt = performance.now();
  const server = await startOwnServer({ MINTMARK_DATA: first.data });
  const report: Report = {
    "server, start to first answer with a million revocations": `${Math.round(performance.now() - startedAt)} ms`,
  };
  const told = await follow(server.url);
  const empty = told.get("empty");
  for (const what of ["live", "expired"]) {
    const { ms = 0, heap = 0, rss = 0 } = told.get(what) ?? {};
    const [more, moreRss] = [(heap - (empty?.heap ?? 0)) / MEGABYTE, (rss - (empty?.rss ?? 0)) / MEGABYTE];
    report[`verifier, ${what}`] =
      `${Math.round(ms)} ms · ${more.toFixed(0)} MB of heap · ${moreRss.toFixed(0)} MB resident`;
  }
  const client = createTokenClient({ url: server.url });
  const { token } = await client.getToken.query();
  const revokedAt = performance.now();
  await client.revokeToken.mutate({ token });
  report["one more revocation, acknowledged"] = `${(performance.now() - revokedAt).toFixed(1)} ms`;
  await server.stop();
  await first.stop();
  return report;
}

/** Puts revocations of tokens into an embedded database, as a day of a busy service would have. */
async function fill(data: string): Promise<void> {
  const { db, close } = await openSqlite(data);
  const now = Math.floor(Date.now() / 1000);
  await db.transaction().execute(async (transaction) => {
    for (let at = 0; at < REVOKED; at += 5000) {
      const values = Array.from({ length: 5000 }, (_, index) => ({
        kind: "token" as const,
        id: createJti(at + index),
        sequence: 10 + at + index,
        until: now + 600 + ((at + index) % 3000),
      }));
      await transaction.insertInto("revocations").values(values).execute();
    }
    await transaction
      .updateTable("state")
      .set({ revision: 10 + REVOKED })
      .execute();
  });
  await close();
}

async function follow(url: string): Promise<Map<string, Told>> {
  const child = fork(new URL("./million-verifier.ts", import.meta.url), [url], {
    execArgv: ["--import", "tsx", "--expose-gc"],
  });
  const told = new Map<string, Told>();
  child.on("message", (message: Told) => {
    progress(`verifier ${message.what}: ${Math.round(message.ms)} ms, ${Math.round(message.heap / MEGABYTE)} MB`);
    told.set(message.what, message);
  });
  await once(child, "exit");
  return told;
}
