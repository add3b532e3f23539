import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../support/random.ts";
import { type Cluster, type ClusterOptions, ISSUER } from "./cluster.ts";
import type { Faults } from "./faults.ts";
import { type Followers, startFollowers } from "./followers.ts";
import { inspect } from "./inspect.ts";
import { createLedger } from "./ledger.ts";
import type { Member } from "./member.ts";
import { newName, type Scenario } from "./scenario.ts";
import { startWorkload } from "./workload.ts";

/** What was done to the service, and what came of it. */
export type Outcome = {
  /** How many faults of each kind, and the milliseconds after the longest of them until all was well again. */
  faults: Map<string, { count: number; longest: number }>;
  acknowledged: ReadonlyMap<string, number>;
  /** The longest time that a revoked token was accepted for, in milliseconds. */
  oldest: Followers["oldest"];
  breaches: readonly string[];
};

export type RunOptions = {
  name: string;
  open: (options: ClusterOptions) => Promise<Cluster>;
  faults: number;
  random: Random;
  tell: (line: string) => void;
};

const SUBJECTS = 30;
const FAULTS_PER_ROUND = 25;
/** Milliseconds between two faults, and in which all must be well again after one. */
const GAP = { min: 30, max: 250 };
const HEALING = 60_000;
/** Milliseconds until well that are worth a line. */
const SLOW = 10_000;

/** Makes faults, one after another, while acts are done, and compares the service with the ledger after each round. */
export async function run({ name, open, faults: wanted, random, tell }: RunOptions): Promise<Outcome> {
  const ledger = createLedger();
  await using cluster = await open({ ledger, random: random.fork() });
  const { members } = cluster;
  const scenario: Scenario = {
    ledger,
    random: random.fork(),
    origins: members.map(({ origin }) => origin),
    subjects: Array.from({ length: SUBJECTS }, () => newName("subject")),
    clocksAgree: true,
  };
  const workload = startWorkload(scenario);
  const followers = startFollowers({ members, issuer: ISSUER, ledger, random: random.fork() });
  const faults = cluster.faults({ members, scenario, workload, random: random.fork() });
  const made: Outcome["faults"] = new Map(Object.keys(faults).map((kind) => [kind, { count: 0, longest: 0 }]));
  const chances = random.fork();
  let healings: Promise<void>[] = [];

  async function strike(): Promise<boolean> {
    const [kind, fault] = pickFault(faults, chances);
    const seen = made.get(kind) ?? { count: 0, longest: 0 };
    if (!(await fault.strike())) return false;
    seen.count += 1;
    const note = (milliseconds: number) => {
      seen.longest = Math.max(seen.longest, milliseconds);
      if (milliseconds > SLOW) tell(`${name}: ${(milliseconds / 1000).toFixed(1)} s until well after: ${kind}`);
    };
    if (fault.followersOf === undefined) note(await healed(cluster, ledger));
    else healings.push(followers.healed(fault.followersOf).then(note));
    return true;
  }

  for (let total = 0; total < wanted && ledger.breaches().length === 0; ) {
    const since = ledger.timeline.tick();
    workload.resume();
    for (let inRound = 0; inRound < FAULTS_PER_ROUND && total < wanted; ) {
      if (await strike()) [inRound, total] = [inRound + 1, total + 1];
      await sleep(chances.between(GAP.min, GAP.max));
    }
    await workload.pause();
    await healed(cluster, ledger);
    const whole = Promise.all([...healings, followers.healed()]);
    healings = [];
    await inspect(scenario, { followers: followers.all, whole, since, everything: total === wanted });
    const acts = [...ledger.acknowledged.values()].reduce((sum, count) => sum + count, 0);
    tell(`${name}: ${total} of ${wanted} faults, ${acts} acts acknowledged, ${ledger.breaches().length} breaches`);
  }
  await workload.stop();
  await followers.stop();
  return { faults: made, acknowledged: ledger.acknowledged, oldest: followers.oldest, breaches: ledger.breaches() };
}

function pickFault(faults: Faults, random: Random) {
  const weights = Object.entries(faults).map(([kind, each]) => [
    kind,
    each.reduce((sum, { weight }) => sum + weight, 0),
  ]);
  const kind: string = random.weighted(Object.fromEntries(weights));
  return [kind, random.pick(faults[kind] ?? [])] as const;
}

/** Resolves when every process of every server serves again and can write; gives the milliseconds. */
async function healed({ members, workers }: Cluster, { breach }: ReturnType<typeof createLedger>): Promise<number> {
  const start = performance.now();
  for (const member of members) {
    for (let ailment = await ailmentOf(member, workers); ailment !== undefined; ) {
      if (performance.now() - start > HEALING) {
        breach(`a server is not well after ${HEALING} ms: ${ailment}`);
        return HEALING;
      }
      await sleep(20);
      ailment = await ailmentOf(member, workers);
    }
  }
  return performance.now() - start;
}

/** What a server lacks, if anything. It is asked on connections of their own, so that every worker is. */
async function ailmentOf({ origin, children }: Member, workers: number): Promise<string | undefined> {
  const count = children().length;
  if (count !== workers) return `${count} workers`;
  const paths = [...Array(1 + 2 * workers).fill("/readyz"), "/trpc/getToken"];
  const answers = paths.map(async (path) => {
    const signal = AbortSignal.timeout(3000);
    const response = await fetch(`${origin}${path}`, { headers: { connection: "close" }, signal });
    if (!response.ok) throw new Error(`${path} ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  });
  const failed = (await Promise.allSettled(answers)).find((answer) => answer.status === "rejected");
  return failed && String(failed.reason);
}
