import { createTokenClient } from "../../src/client/client.ts";
import type { Random } from "../support/random.ts";
import { isRefusal, type Outcome } from "./attempt.ts";
import type { Ledger } from "./ledger.ts";
import { createOAuthClient } from "./oauth-client.ts";
import type { WebClients } from "./people.ts";
import type { Thing } from "./timeline.ts";

export type TokenClient = ReturnType<typeof createTokenClient>;

/** The context of operations. */
export type Scenario = {
  ledger: Ledger;
  random: Random;
  origins: readonly string[];
  /** The subjects of tokens. A new one takes the place of a revoked one. */
  subjects: string[];
  issuer: string;
  /** The clients at which people sign in. */
  web: WebClients;
  /** Whether the clocks of all servers are right. If not, operations that depend on it wait. */
  clocksAgree: boolean;
};

/** Failures are limited by address, and all clients of a run share one. */
const RATE_LIMITED = "too_many_attempts";

/** Operations pick among the latest things, most of which live. */
const LATEST = 400;

/** Connects to any of the servers. */
export function clientOf(
  { random, origins }: Pick<Scenario, "random" | "origins">,
  credentials?: { clientId: string; clientSecret: string },
): TokenClient {
  return createTokenClient({ url: random.pick(origins), ...(credentials && { credentials }) });
}

/** Connects to the OAuth endpoints of any of the servers. */
export function oauthClientOf(
  { random, origins }: Pick<Scenario, "random" | "origins">,
  credentials?: { clientId: string; clientSecret: string },
) {
  return createOAuthClient(random.pick(origins), credentials);
}

/** Picks one of the latest live things that no operation uses. */
export function pickLive<Item extends Thing & { busy?: boolean }>(
  { random }: Pick<Scenario, "random">,
  items: readonly Item[],
): Item | undefined {
  const latest = items.slice(-LATEST).filter(({ life, busy }) => life === "live" && busy !== true);
  return latest.length === 0 ? undefined : random.pick(latest);
}

type Answered = { outcome: Outcome<unknown>; of?: readonly Thing[] };

/** Records a wrong refusal, unless a thing that it needs was withdrawn meanwhile. */
export function noteRefusal({ ledger }: Scenario, operation: string, { outcome, of = [] }: Answered): false {
  const isBreach = isRefusal(outcome) && outcome.refused !== RATE_LIMITED && of.every(({ life }) => life === "live");
  if (isBreach) ledger.breach(`${operation} was refused (${outcome.refused}): ${of.map(({ what }) => what)}`);
  return false;
}

let names = 0;

export function newName(of: string): string {
  names += 1;
  return `${of}-${names}`;
}
