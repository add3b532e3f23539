import { setTimeout as sleep } from "node:timers/promises";
import { HARMS, type Harm, type startBadNetwork } from "../support/bad-network.ts";
import type { Random } from "../support/random.ts";
import { bareCommands } from "./commands.ts";
import { hasFakeClocks } from "./fake-clock.ts";
import { type Member, signal } from "./member.ts";
import type { Scenario } from "./scenario.ts";
import type { Workload } from "./workload.ts";

/** Makes a fault and takes it back. Returns false if there was nothing to harm. */
type Strike = () => Promise<boolean>;

export type Fault = {
  weight: number;
  strike: Strike;
  /** The server whose followers it hits. Their recovery is not waited for. */
  followersOf?: Member;
};

/** Faults by their kinds. */
export type Faults = Record<string, Fault[]>;

export type Scene = { members: readonly Member[]; scenario: Scenario; workload: Workload; random: Random };

const DAY = 86_400;
/** Seconds. After more than a week, every token has expired. */
const JUMPS = [-20 * 3600, -3600, -90, 45, 600, 6 * 3600, 3 * DAY, 200 * DAY];

/** Limits of lifetimes in seconds that servers are restarted with. */
export const LIMITS = [DAY, 2 * DAY, 7 * DAY];

/**
 * The faults of a server: killed or stopped processes, a clock that jumps, followers that are cut off, other settings, and
 * commands beside it, whose whole environment is `bare`.
 */
export function memberFaults(scene: Scene, bare: Record<string, string>): Faults {
  const { members, scenario, random } = scene;
  const of = (weight: number, strike: (member: Member) => Promise<boolean>): Fault[] =>
    members.map((member) => ({ weight: weight / members.length, strike: () => strike(member) }));
  const feeds = HARMS.map((harm): [string, Fault[]] => [
    `feed: ${harm}`,
    members.map((member) => ({
      weight: 10 / members.length,
      followersOf: member,
      strike: async () => member.network.hurt(harm),
    })),
  ]);
  return {
    "server killed": of(16, async (member) => {
      await member.kill();
      await member.start();
      return true;
    }),
    "server restarted with another limit of lifetimes": of(6, async (member) => {
      await member.kill();
      member.change({ MINTMARK_MAX_TTL: String(random.pick(LIMITS)) });
      await member.start();
      return true;
    }),
    "command with a bare environment": bareCommands(scenario, bare),
    "server stopped": of(5, async (member) => stopFor(member.pids(), random.between(100, 2500))),
    ...(hasFakeClocks && { "clock jumps": of(5, (member) => jump(member, scene)) }),
    ...Object.fromEntries(feeds),
  };
}

/** Stops processes for some milliseconds, as a machine that swaps does. */
export async function stopFor(pids: readonly number[], milliseconds: number): Promise<boolean> {
  for (const pid of pids) signal(pid, "SIGSTOP");
  await sleep(milliseconds);
  for (const pid of pids) signal(pid, "SIGCONT");
  return pids.length > 0;
}

async function jump({ clock }: Member, { scenario, workload, random }: Scene): Promise<boolean> {
  const ahead = random.pick(JUMPS);
  // By the later of two clocks, the refresh token was rightly used too long ago.
  scenario.clocksAgree = false;
  await workload.pause();
  clock.set(ahead);
  workload.resume();
  await sleep(random.between(300, 2000));
  await workload.pause();
  clock.set(0);
  scenario.clocksAgree = true;
  workload.resume();
  return true;
}

type Network = Awaited<ReturnType<typeof startBadNetwork>>;

/** The faults between servers and their database. */
export function databaseFaults(networks: readonly Network[]): Faults {
  const of = (weight: number, strike: (network: Network) => Promise<boolean>): Fault[] =>
    networks.map((network) => ({ weight: weight / networks.length, strike: () => strike(network) }));
  const all = (harm: Harm) => of(4, async (network) => network.hurtAll(harm));
  return {
    "database connection: cut": of(5, async (network) => network.hurt("cut")),
    "database connection: stall": of(5, async (network) => network.hurt("stall")),
    ...Object.fromEntries(HARMS.map((harm) => [`all database connections: ${harm}`, all(harm)])),
  };
}
