import { MintmarkError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../time.ts";
import { identifier } from "../token/claims.ts";
import { createAttempts } from "./attempts.ts";
import type { AuditLog } from "./audit-log.ts";
import { type Caller, localCaller } from "./caller.ts";
import { secretMatches } from "./client-secret.ts";
import type { Rate, Rates } from "./rates.ts";
import { pairOf } from "./shared-failures.ts";
import type { Trust } from "./trust.ts";

/** What a client presents (RFC 6749 §2.3.1). */
export type Credentials = { clientId: string; clientSecret: string };

/**
 * Tells who calls from an address, or throws `invalid_client` or `too_many_attempts`. With a rate, the call is counted
 * as one of those, and `rate_limited` where they are too many.
 */
export type Authenticate = (credentials: Credentials | undefined, address: string, rate?: Rate) => Promise<Caller>;

/** How many pairs of client and address that authenticated lately are remembered. */
const MAX_KNOWN = 10_000;

export type AuthenticatorOptions = {
  store: Pick<Store, "findClient" | "shared" | "addToCounts" | "readCounts">;
  trust: Pick<Trust, "latest">;
  clock: Clock;
  audit: AuditLog;
  rates: Rates;
  /** Whether a caller without credentials may do everything. */
  open: boolean;
};

/**
 * Makes the function that authenticates. An unknown client and a wrong secret are answered alike and
 * cost the same. Who guesses is slowed by address, so that no guesser can lock out a client that
 * calls from elsewhere, nor one that has authenticated from the same address before.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { store, trust, clock, audit, rates, open } = options;
  const { attempt } = createAttempts(options);
  const known = new Set<string>();

  async function hear({ clientId, clientSecret }: Credentials, address: string): Promise<Caller> {
    // What could be no client's id is not looked for: not every database takes any text.
    const isPossible = identifier.safeParse(clientId).success;
    const asOf = isPossible ? await trust.latest() : 0;
    const client = isPossible ? await store.findClient(clientId) : undefined;
    const matches = secretMatches(clientSecret, client?.secrets ?? [], clock());
    if (client === undefined || !matches) {
      audit.countRefusal(address, "invalid_client");
      throw new MintmarkError("invalid_client");
    }
    return { asOf, ...client };
  }

  const oneByOne = queues();
  async function authenticate(credentials: Credentials, address: string): Promise<Caller> {
    const who = { clientId: credentials.clientId, address };
    const pair = pairOf(who);
    const hearNow = () => hear(credentials, address);
    if (known.has(pair)) return hearNow();
    // Until a pair is known, its attempts wait for each other: the first calls of a client all at once are no guesses.
    return oneByOne(pair, async () => {
      if (known.has(pair)) return hearNow();
      const caller = await attempt(who, hearNow);
      if (known.size >= MAX_KNOWN) known.clear();
      known.add(pair);
      return caller;
    });
  }

  return async (credentials, address, rate) => {
    const early = rate && rates.ofAddress(rate, address);
    if (early !== undefined) throw early;
    const isLocal = credentials === undefined && open;
    const caller = isLocal ? localCaller : await authenticate(credentials ?? NOBODY, address);
    const late = rate && rates.ofClient(rate, caller.clientId, address);
    if (late !== undefined) throw late;
    return caller;
  };
}

/** What is presented by a caller without credentials. */
const NOBODY: Credentials = { clientId: "", clientSecret: "" };

/** Makes what is asked for under one name happen one after the other. */
function queues(): <Outcome>(name: string, work: () => Promise<Outcome>) => Promise<Outcome> {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const run = (last.get(name) ?? Promise.resolve()).then(work);
    const done = run
      .catch(() => {})
      .then(() => {
        if (last.get(name) === done) last.delete(name);
      });
    last.set(name, done);
    return run;
  };
}
