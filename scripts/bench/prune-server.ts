/**
 * The server of `prune`, as a process of its own: its clock is set ahead by an hour before it is loaded, since what cannot
 * be undone goes by a clock that was watched for as long.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { createTokenServer } from "../../src/index.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";

/** Where the database is. */
export type PruneServerPlan = { url: string } | { folder: string };
export type PruneTold = {
  what: "listening" | "pruned" | "rotated";
  port?: number;
  seconds?: number;
  left?: number;
  /** The most processor time of one turn of the event loop, in milliseconds: on a busy machine, waits are not the server's. */
  longest?: number;
};

const HOUR = 3600;
const AHEAD = HOUR + 60;
/** How long before its end a key is followed by the next one. */
const PUBLISH_AHEAD = 660;
/** When the next key is due, after the deletion began. */
const DUE = 20;

/** Watches the turns of the event loop. Gives the function that tells the longest one, by processor time. */
function watchTurns(): () => number {
  let before = process.cpuUsage();
  let longest = 0;
  const look = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    longest = Math.max(longest, (user + system) / 1000);
  }, 1);
  return () => {
    clearInterval(look);
    return longest;
  };
}

const tell = (told: PruneTold) => process.send?.(told);

const [plan] = (await once(process, "message")) as [PruneServerPlan];
const store = "url" in plan ? await openPostgresStore(plan.url) : await openSqliteStore(plan.folder);
let ahead = 0;
const clock = () => Math.floor(Date.now() / 1000) + ahead;
const started = clock();
const steady = performance.now.bind(performance);
performance.now = () => steady() + ahead * 1000;
const service = await createTokenService({
  store,
  clock,
  auditRetention: 30 * 86_400,
  // The load takes about half a minute before anything is deleted.
  rotation: AHEAD + PUBLISH_AHEAD + 30 + DUE,
  onError: (work) => process.stderr.write(`  failed: ${work}\n`),
});
await service.maintenance();
ahead = AHEAD;
await sleep(2000);
const server = await createTokenServer(service, { port: 0, logger: pino({ level: "silent" }) });
tell({ what: "listening", port: Number(new URL(server.origin).port) });

await once(process, "message");
const from = steady();
const endWatch = watchTurns();
const dueAt = started + AHEAD + 30 + DUE;
void (async () => {
  while ((await service.keys.list(localCaller)).length < 2) await sleep(500);
  tell({ what: "rotated", seconds: clock() - dueAt });
})();
await service.maintenance();
const old = await store.listAudit({ to: clock() - 30 * 86_400, limit: 1 });
tell({ what: "pruned", seconds: (steady() - from) / 1000, left: old.length, longest: endWatch() });
await once(process, "message");
await server.close();
await service.close();
process.disconnect();
