import { createTokenClient } from "../../src/client/client.ts";
import type { Random } from "../support/random.ts";
import { isRefusal, type Outcome } from "./attempt.ts";
import type { Ledger } from "./ledger.ts";
import type { Thing } from "./timeline.ts";

export type TokenClient = ReturnType<typeof createTokenClient>;

/** What acts are done with. */
export type Scenario = {
  ledger: Ledger;
  random: Random;
  origins: readonly string[];
  /** Whom tokens are about. One that is revoked makes place for another. */
  subjects: string[];
  /** Whether the clocks of all servers are right; if not, nothing that they are compared by is done. */
  clocksAgree: boolean;
};

/** A limit on guessing counts failures by address, and every client of a run calls from one. */
const SLOWED_DOWN = "too_many_attempts";

/** Things that acts are done to: the latest, so that most of them live. */
const LATEST = 400;

/** Connects to any of the servers. */
export function clientOf(
  { random, origins }: Pick<Scenario, "random" | "origins">,
  credentials?: { clientId: string; clientSecret: string },
): TokenClient {
  return createTokenClient({ url: random.pick(origins), ...(credentials && { credentials }) });
}

/** Picks one of the latest that live and that nobody is busy with. */
export function pickLive<Item extends Thing & { busy?: boolean }>(
  { random }: Pick<Scenario, "random">,
  items: readonly Item[],
): Item | undefined {
  const latest = items.slice(-LATEST).filter(({ life, busy }) => life === "live" && busy !== true);
  return latest.length === 0 ? undefined : random.pick(latest);
}

type Answered = { outcome: Outcome<unknown>; of?: readonly Thing[] };

/** Notes a refusal of what ought to have been granted, unless something that it is about was withdrawn meanwhile. */
export function noteRefusal({ ledger }: Scenario, act: string, { outcome, of = [] }: Answered): false {
  const isBreach = isRefusal(outcome) && outcome.refused !== SLOWED_DOWN && of.every(({ life }) => life === "live");
  if (isBreach) ledger.breach(`${act} was refused (${outcome.refused}): ${of.map(({ what }) => what)}`);
  return false;
}

let names = 0;

export function newName(of: string): string {
  names += 1;
  return `${of}-${names}`;
}
