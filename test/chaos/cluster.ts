import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startBadNetwork } from "../support/bad-network.ts";
import { startPostgres } from "../support/postgres.ts";
import type { Random } from "../support/random.ts";
import { openSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { databaseFaults, type Faults, LIMITS, memberFaults, type Scene, stopFor } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import { type Member, startMember } from "./member.ts";
import { cutPower } from "./power-cut.ts";

/** Servers on a database, and the faults that can hit them. */
export type Cluster = {
  members: readonly Member[];
  /** Worker processes of each server, beside its first process. */
  workers: number;
  faults(scene: Scene): Faults;
  [Symbol.asyncDispose](): Promise<void>;
};

export type ClusterOptions = { ledger: Ledger; random: Random };

export const ISSUER = "https://tokens.example";

const WORKERS = 2;
/** The replay window is longer than any fault, as clients here retry. */
const COMMON = {
  MINTMARK_ISSUER: ISSUER,
  MINTMARK_ACCESS: "open",
  // Longer than a run.
  MINTMARK_TTL: String(Math.min(...LIMITS)),
  MINTMARK_REPLAY_WINDOW: "3600",
  MINTMARK_MAX_TTL: String(Math.max(...LIMITS)),
};

/** One server with workers on SQLite, on a disk that can be full. */
export async function openSqliteCluster({ ledger, random }: ClusterOptions): Promise<Cluster> {
  const disk = openSmallDisk(96);
  const data = join(disk.path, "data");
  const environment = { ...COMMON, MINTMARK_DATA: data, MINTMARK_WORKERS: String(WORKERS) };
  const member = await startMember({ environment, ledger, random });
  return {
    members: [member],
    workers: WORKERS,
    faults: (scene) => ({
      ...memberFaults(scene, { MINTMARK_DATA: data }),
      ...workerFaults(member, random),
      ...(disk.canBeFull && { "disk full": [{ weight: 6, strike: () => fillDisk(disk, random) }] }),
      "power cut": [{ weight: 14, strike: () => cutPower(member, scene, join(data, "mintmark.db")) }],
    }),
    async [Symbol.asyncDispose]() {
      await member[Symbol.asyncDispose]();
      disk[Symbol.dispose]();
    },
  };
}

function workerFaults(member: Member, random: Random): Faults {
  const stopped = (pids: readonly number[]) => stopFor(pids, random.between(100, 2000));
  return {
    "worker killed": [{ weight: 12, strike: async () => killed(random.sample(member.children(), 1)) }],
    "all workers killed": [{ weight: 5, strike: async () => killed(member.children()) }],
    "server and workers killed": [
      {
        weight: 6,
        strike: async () => {
          await member.killAll(member.pids());
          await member.start();
          return true;
        },
      },
    ],
    "worker stopped": [{ weight: 4, strike: () => stopped(random.sample(member.children(), 1)) }],
    "first process stopped": [{ weight: 4, strike: () => stopped(member.pids().slice(0, 1)) }],
  };
}

function killed(pids: readonly number[]): boolean {
  for (const pid of pids) process.kill(pid, "SIGKILL");
  return pids.length > 0;
}

async function fillDisk(disk: SmallDisk, random: Random): Promise<boolean> {
  disk.fill();
  await sleep(random.between(200, 1500));
  disk.empty();
  return true;
}

/** Two servers on one PostgreSQL, each behind a bad network of its own. */
export async function openPostgresCluster({ ledger, random }: ClusterOptions): Promise<Cluster> {
  const postgres = await startPostgres();
  const url = new URL(await postgres.newDatabase());
  const kek = randomBytes(32).toString("base64url");
  const networks = await Promise.all([0, 1].map(() => startBadNetwork(url, random.part)));
  const members: Member[] = [];
  for (const { port } of networks) {
    const database = new URL(url);
    database.port = String(port);
    const environment = { ...COMMON, DATABASE_URL: database.href, MINTMARK_KEK: kek };
    members.push(await startMember({ environment, ledger, random }));
  }
  const pause = async () => {
    postgres.pause();
    await sleep(random.between(200, 3000));
    postgres.resume();
    return true;
  };
  const restarted = (stop: () => Promise<void>) => async () => {
    await stop();
    await sleep(random.between(0, 1000));
    await postgres.start();
    return true;
  };
  return {
    members,
    workers: 0,
    faults: (scene) => ({
      ...memberFaults(scene, { DATABASE_URL: url.href, MINTMARK_KEK: kek }),
      ...databaseFaults(networks),
      "both servers killed": [
        {
          weight: 4,
          strike: async () => {
            await Promise.all(members.map(({ kill }) => kill()));
            await Promise.all(members.map(({ start }) => start()));
            return true;
          },
        },
      ],
      "PostgreSQL stopped": [{ weight: 4, strike: restarted(() => postgres.stop("fast")) }],
      "PostgreSQL stopped at once": [{ weight: 4, strike: restarted(() => postgres.stop("immediate")) }],
      "PostgreSQL killed": [{ weight: 4, strike: restarted(() => postgres.kill()) }],
      "PostgreSQL paused": [{ weight: 4, strike: pause }],
    }),
    async [Symbol.asyncDispose]() {
      for (const member of members) await member[Symbol.asyncDispose]();
      for (const network of networks) network[Symbol.dispose]();
      await postgres[Symbol.asyncDispose]();
    },
  };
}
