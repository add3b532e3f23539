import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../support/random.ts";
import { type Cluster, type ClusterOptions, ISSUER } from "./cluster.ts";
import type { Faults } from "./faults.ts";
import { type Followers, startFollowers } from "./followers.ts";
import { inspect } from "./inspect.ts";
import { createLedger } from "./ledger.ts";
import type { Member } from "./member.ts";
import { addWebClients } from "./people.ts";
import { newName, type Scenario } from "./scenario.ts";
import { startWorkload } from "./workload.ts";

export type Outcome = {
  /** The count of each kind of fault, and its longest recovery in milliseconds. */
  faults: Map<string, { count: number; longest: number }>;
  acknowledged: ReadonlyMap<string, number>;
  /** The longest time in milliseconds after its revocation at which a token was accepted. */
  oldest: Followers["oldest"];
  breaches: readonly string[];
};

export type RunOptions = {
  name: string;
  open: (options: ClusterOptions) => Promise<Cluster>;
  faults: number;
  random: Random;
  report: (line: string) => void;
};

const SUBJECTS = 30;
const FAULTS_PER_ROUND = 25;
/** Milliseconds between two faults, and to recover from one. */
const GAP = { min: 30, max: 250 };
const RECOVERY = 60_000;
/** A recovery of more milliseconds is reported. */
const SLOW = 10_000;

/** Makes one fault after another while operations run, and compares the service with the ledger after each round. */
export async function run({ name, open, faults: wanted, random, report }: RunOptions): Promise<Outcome> {
  const ledger = createLedger();
  await using cluster = await open({ ledger, random: random.fork() });
  const { members } = cluster;
  const scenario: Scenario = {
    ledger,
    random: random.fork(),
    origins: members.map(({ origin }) => origin),
    subjects: Array.from({ length: SUBJECTS }, () => newName("subject")),
    clocksAgree: true,
    issuer: ISSUER,
    web: await addWebClients({ random, origins: members.map(({ origin }) => origin) }),
  };
  const workload = startWorkload(scenario);
  const followers = startFollowers({ members, issuer: ISSUER, ledger, random: random.fork() });
  const faults = cluster.faults({ members, scenario, workload, random: random.fork() });
  const made: Outcome["faults"] = new Map(Object.keys(faults).map((kind) => [kind, { count: 0, longest: 0 }]));
  const chances = random.fork();
  let recoveries: Promise<void>[] = [];

  async function strike(): Promise<boolean> {
    const [kind, fault] = pickFault(faults, chances);
    const seen = made.get(kind) ?? { count: 0, longest: 0 };
    if (!(await fault.strike())) return false;
    seen.count += 1;
    const note = (milliseconds: number) => {
      seen.longest = Math.max(seen.longest, milliseconds);
      if (milliseconds > SLOW) report(`${name}: ${(milliseconds / 1000).toFixed(1)} s to recover from: ${kind}`);
    };
    if (fault.followersOf === undefined) note(await recovered(cluster, ledger));
    else recoveries.push(followers.recovered(fault.followersOf).then(note));
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
    await recovered(cluster, ledger);
    const allRecovered = Promise.all([...recoveries, followers.recovered()]);
    recoveries = [];
    await inspect(scenario, { followers: followers.all, recovered: allRecovered, since, everything: total === wanted });
    const operations = [...ledger.acknowledged.values()].reduce((sum, count) => sum + count, 0);
    report(
      `${name}: ${total} of ${wanted} faults, ${operations} operations acknowledged, ${ledger.breaches().length} breaches`,
    );
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

/** Resolves when every process serves again and can write; returns the milliseconds. */
async function recovered({ members, workers }: Cluster, { breach }: ReturnType<typeof createLedger>): Promise<number> {
  const start = performance.now();
  for (const member of members) {
    for (let defect = await defectOf(member, workers); defect !== undefined; ) {
      if (performance.now() - start > RECOVERY) {
        breach(`a server has not recovered after ${RECOVERY} ms: ${defect}`);
        return RECOVERY;
      }
      await sleep(20);
      defect = await defectOf(member, workers);
    }
  }
  return performance.now() - start;
}

/** What a server lacks, if anything. Each request has its own connection, so that every worker answers. */
async function defectOf({ origin, children }: Member, workers: number): Promise<string | undefined> {
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
