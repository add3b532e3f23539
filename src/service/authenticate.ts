import { RateLimiterMemory } from "rate-limiter-flexible";
import { MintmarkError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../time.ts";
import type { AuditLog } from "./audit-log.ts";
import { type Caller, localCaller } from "./caller.ts";
import { secretMatches } from "./client-secret.ts";

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
  store: Store;
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
export function createAuthenticator({ store, clock, audit, open }: AuthenticatorOptions): Authenticate {
  const ofClient = new RateLimiterMemory(CLIENT_FAILURES);
  const ofAddress = new RateLimiterMemory(ADDRESS_FAILURES);
  const known = new Set<string>();

  async function refuse(pair: string, address: string): Promise<never> {
    audit.countRefusal(address, "invalid_client");
    await Promise.allSettled([ofClient.consume(pair), ofAddress.consume(address)]);
    throw new MintmarkError("invalid_client");
  }

  async function refuseIfTooMany(pair: string, address: string): Promise<void> {
    const [client, origin] = await Promise.all([ofClient.get(pair), ofAddress.get(address)]);
    const waits = [client, origin].flatMap((failures) =>
      failures !== null && failures.remainingPoints <= 0 ? [failures.msBeforeNext] : [],
    );
    if (waits.length === 0) return;
    audit.countRefusal(address, "too_many_attempts");
    throw new MintmarkError("too_many_attempts", { retryAfter: Math.ceil(Math.max(...waits) / 1000) });
  }

  return async (credentials, address) => {
    if (credentials === undefined && open) return localCaller;
    const { clientId, clientSecret } = credentials ?? { clientId: "", clientSecret: "" };
    const pair = `${clientId} ${address}`;
    if (!known.has(pair)) await refuseIfTooMany(pair, address);
    const client = clientId === "" ? undefined : await store.findClient(clientId);
    const matches = secretMatches(clientSecret, client?.secrets ?? [], clock());
    if (client === undefined || !matches) return refuse(pair, address);
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(pair);
    return client;
  };
}
