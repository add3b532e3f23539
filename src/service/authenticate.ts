import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { MintmarkError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../time.ts";
import { identifier } from "../token/claims.ts";
import type { AuditLog } from "./audit-log.ts";
import { type Caller, localCaller } from "./caller.ts";
import { secretMatches } from "./client-secret.ts";
import type { Trust } from "./trust.ts";

/** What a client presents (RFC 6749 §2.3.1). */
export type Credentials = { clientId: string; clientSecret: string };

/** Tells who calls from an address, or throws `invalid_client` or `too_many_attempts`. */
export type Authenticate = (credentials: Credentials | undefined, address: string) => Promise<Caller>;

/** Failures within a minute before more are refused unheard: of one client from one address, and from one address. */
const CLIENT_FAILURES = { points: 10, duration: 60 };
const ADDRESS_FAILURES = { points: 100, duration: 60 };

/** How many pairs of client and address that authenticated lately are remembered. */
const MAX_KNOWN = 10_000;

export type AuthenticatorOptions = {
  store: Pick<Store, "findClient">;
  trust: Pick<Trust, "latest">;
  clock: Clock;
  audit: AuditLog;
  /** Whether a caller without credentials may do everything. */
  open: boolean;
};

/**
 * Makes the function that authenticates. An unknown client and a wrong secret are answered alike and
 * cost the same. Who guesses is slowed by address, so that no guesser can lock out a client that
 * calls from elsewhere, nor one that has authenticated from the same address before.
 */
export function createAuthenticator({ store, trust, clock, audit, open }: AuthenticatorOptions): Authenticate {
  const ofClient = new RateLimiterMemory(CLIENT_FAILURES);
  const ofAddress = new RateLimiterMemory(ADDRESS_FAILURES);
  const known = new Set<string>();

  /** Counts an attempt as failed before it is heard, so that many at once are no way to try more. */
  async function count(pair: string, address: string): Promise<void> {
    try {
      // First of all, or an address that is past its limit would fill the memory with clients that it makes up.
      const failures = await ofAddress.get(address);
      if (failures !== null && failures.consumedPoints >= ADDRESS_FAILURES.points) throw failures;
      await ofClient.consume(pair);
      await ofAddress.consume(address);
    } catch (limit) {
      if (!(limit instanceof RateLimiterRes)) throw limit;
      audit.countRefusal(address, "too_many_attempts");
      throw new MintmarkError("too_many_attempts", { retryAfter: Math.ceil(limit.msBeforeNext / 1000) });
    }
  }

  /** Takes back what was counted, since the attempt succeeded. */
  async function discount(pair: string, address: string): Promise<void> {
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(pair);
    await Promise.all([ofClient.reward(pair), ofAddress.reward(address)]);
  }

  async function hear({ clientId, clientSecret }: Credentials, address: string): Promise<Caller> {
    const pair = `${clientId} ${address}`;
    const isKnown = known.has(pair);
    if (!isKnown) await count(pair, address);
    // What could be no client's id is not looked for: not every database takes any text.
    const isPossible = identifier.safeParse(clientId).success;
    const asOf = isPossible ? await trust.latest() : 0;
    const client = isPossible ? await store.findClient(clientId) : undefined;
    const matches = secretMatches(clientSecret, client?.secrets ?? [], clock());
    if (client === undefined || !matches) {
      audit.countRefusal(address, "invalid_client");
      throw new MintmarkError("invalid_client");
    }
    if (!isKnown) await discount(pair, address);
    return { ...client, asOf };
  }

  const oneByOne = queues();
  return async (credentials, address) => {
    if (credentials === undefined && open) return localCaller;
    const presented = credentials ?? { clientId: "", clientSecret: "" };
    const pair = `${presented.clientId} ${address}`;
    // Until a pair is known, its attempts wait for each other: the first calls of a client all at once are no guesses.
    return known.has(pair) ? hear(presented, address) : oneByOne(pair, () => hear(presented, address));
  };
}

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
