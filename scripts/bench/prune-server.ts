/**
 * The server of `prune`, as a process of its own. Its clock is set ahead by an hour before the load: nothing is deleted by a
 * clock that was not watched for an hour.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { createTokenServer } from "../../src/index.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";

export type PruneServerPlan = { url: string } | { folder: string };
export type PruneEvent = {
  name: "listening" | "pruned" | "rotated";
  port?: number;
  seconds?: number;
  left?: number;
  /** Longest turn of the event loop in milliseconds of processor time: a wait for a busy machine is not the server's. */
  longest?: number;
};

const HOUR = 3600;
const AHEAD = HOUR + 60;
/** Time from the publication of the next key to its activation. */
const PUBLISH_AHEAD = 660;
/** Time from the begin of the deletion until the next key is due. */
const DUE = 20;

/** Measures the turns of the event loop. Returns the function that ends this and returns the longest one. */
function watchEventLoop(): () => number {
  let before = process.cpuUsage();
  let longest = 0;
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    longest = Math.max(longest, (user + system) / 1000);
  }, 1);
  return () => {
    clearInterval(timer);
    return longest;
  };
}

const send = (event: PruneEvent) => process.send?.(event);

const [plan] = (await once(process, "message")) as [PruneServerPlan];
const store = "url" in plan ? await openPostgresStore(plan.url) : await openSqliteStore(plan.folder);
let ahead = 0;
const clock = () => Math.floor(Date.now() / 1000) + ahead;
const started = clock();
const monotonic = performance.now.bind(performance);
performance.now = () => monotonic() + ahead * 1000;
const service = await createTokenService({
  store,
  clock,
  auditRetention: 30 * 86_400,
  // The load runs for about half a minute before the deletion.
  rotation: AHEAD + PUBLISH_AHEAD + 30 + DUE,
  onError: (work) => process.stderr.write(`  ${work} failed\n`),
});
await service.maintenance();
ahead = AHEAD;
await sleep(2000);
const server = await createTokenServer(service, { port: 0, logger: pino({ level: "silent" }) });
send({ name: "listening", port: Number(new URL(server.origin).port) });

await once(process, "message");
const from = monotonic();
const endWatch = watchEventLoop();
const dueAt = started + AHEAD + 30 + DUE;
void (async () => {
  while ((await service.keys.list(localCaller)).length < 2) await sleep(500);
  send({ name: "rotated", seconds: clock() - dueAt });
})();
await service.maintenance();
const old = await store.listAudit({ to: clock() - 30 * 86_400, limit: 1 });
send({ name: "pruned", seconds: (monotonic() - from) / 1000, left: old.length, longest: endWatch() });
await once(process, "message");
await server.close();
await service.close();
process.disconnect();
