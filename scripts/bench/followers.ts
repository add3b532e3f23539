import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";
import { MINTMARK, type Running, startContender } from "./contenders.ts";
import type { FollowersPlan, FollowersReport } from "./followers-load.ts";
import { inMilliseconds, LOAD_CORE, progress, type Report } from "./support.ts";
import { usageOf } from "./usage.ts";

const FOLLOWERS = Number(process.env.MINTMARK_BENCH_FOLLOWERS ?? 10_000);
/** A client may have 2,500 followers. */
const CLIENTS = 4;
/** Revocations a second, and seconds of them. */
const RATE = 100;
const SECONDS = 10;
const IDLE_SECONDS = 10;

/** Collects its garbage when it gets the signal. */
const COLLECTING = ["--expose-gc", "--import", `data:text/javascript,process.on("SIGUSR2", () => { gc(); gc(); })`];

/** Followers of one server: its memory and processor time for each, without revocations and with them, and the latency of these. */
export async function measure(): Promise<Report> {
  const [node = "", ...program] = MINTMARK.command;
  const running = await startContender({ ...MINTMARK, command: [node, ...COLLECTING, ...program] });
  const authorizations = await addClients(running);
  const client = createTokenClient({ url: `http://127.0.0.1:${running.port}` });
  const memory = await memoryOf(running);
  const plan = { port: running.port, followers: FOLLOWERS, authorizations };
  const started = performance.now();
  const followers = await startFollowers(plan);
  try {
    const connected = performance.now() - started;
    progress(`${FOLLOWERS} followers`);
    const each = ((await memoryOf(running)) - memory) / FOLLOWERS;
    const idle = await cpuWithin(running, () => sleep(IDLE_SECONDS * 1000));
    const tokens: string[] = [];
    while (tokens.length < RATE * SECONDS) tokens.push((await client.getToken.query()).token);
    await followers.report();
    progress("revoking");
    const acknowledged: { sequence: number; at: number; took: number }[] = [];
    let seconds = 0;
    const busy = await cpuWithin(running, async () => {
      const from = performance.now();
      await Promise.all(
        tokens.map(async (token, number) => {
          await sleep((number * 1000) / RATE);
          const sentAt = performance.now();
          const { sequence } = await client.revokeToken.mutate({ token });
          acknowledged.push({ sequence, at: now(), took: performance.now() - sentAt });
        }),
      );
      seconds = (performance.now() - from) / 1000;
    });
    await sleep(1000);
    const { reached, received } = await followers.report();
    const delays = acknowledged.map(({ sequence, at }) => {
      const [, reachedAt = Number.NaN] = reached.find(([slowest]) => slowest >= sequence) ?? [];
      return Math.max(0, reachedAt - at);
    });
    return {
      "memory of a follower": `${(each / 1000).toFixed(1)} kB`,
      "to connect all": `${(connected / 1000).toFixed(1)} s`,
      "processor time of a follower, idle": `${(idle / IDLE_SECONDS / FOLLOWERS).toFixed(2)} µs a second`,
      [`processor time of a follower, ${RATE} revocations a second`]: `${(busy / seconds / FOLLOWERS).toFixed(1)} µs a second`,
      "processor time of an event": `${(busy / received).toFixed(2)} µs · ${(received / seconds).toFixed(0)} events a second`,
      "from the request to its acknowledgement": inMilliseconds(acknowledged.map(({ took }) => took)),
      "from the acknowledgement to the last follower": inMilliseconds(delays),
      "memory, peak": `${(usageOf(running.pid).memory / 2 ** 20).toFixed(0)} MB`,
    };
  } finally {
    followers.end();
    await running.stop();
  }
}

const now = () => Number(process.hrtime.bigint()) / 1e6;

async function addClients({ port }: Running): Promise<string[]> {
  const client = createTokenClient({ url: `http://127.0.0.1:${port}` });
  const all = [];
  for (let number = 0; number < CLIENTS; number += 1) {
    const { clientId, clientSecret } = await client.clients.create.mutate({
      name: `follower ${number}`,
      permissions: ["follow_events"],
    });
    all.push(`Authorization: Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`);
  }
  return all;
}

/** Resident memory after a collection of garbage. */
async function memoryOf({ pid }: Running): Promise<number> {
  for (let times = 0; times < 6; times += 1) {
    process.kill(pid, "SIGUSR2");
    await sleep(1000);
  }
  return usageOf(pid).memory;
}

async function cpuWithin({ pid }: Running, work: () => Promise<unknown>): Promise<number> {
  const before = usageOf(pid).cpu;
  await work();
  return usageOf(pid).cpu - before;
}

/** Starts followers in a process of their own, and waits until they follow. */
async function startFollowers(plan: FollowersPlan) {
  const child = fork(join(import.meta.dirname, "followers-load.ts"), { execArgv: ["--import", "tsx"] });
  execFileSync("taskset", ["-acp", LOAD_CORE, String(child.pid)], { stdio: "ignore" });
  const next = async () => {
    const [report] = (await once(child, "message")) as [FollowersReport];
    return report;
  };
  child.send(plan);
  await next();
  return {
    report: () => {
      child.send("report");
      return next();
    },
    end: () => child.disconnect(),
  };
}
