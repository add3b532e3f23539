import { MintmarkError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../time.ts";
import { identifier } from "../token/claims.ts";
import { createAttempts, isRefusal } from "./attempts.ts";
import type { AuditLog } from "./audit-log.ts";
import { type Caller, localCaller } from "./caller.ts";
import { digestMatches, digestOf } from "./client-secret.ts";
import { createKnownClients } from "./known-clients.ts";
import { createQueues, patiently } from "./patience.ts";
import type { Rate, Rates } from "./rates.ts";
import { pairOf } from "./shared-failures.ts";
import type { Trust } from "./trust.ts";

/** What a client presents (RFC 6749 §2.3.1). */
export type Credentials = { clientId: string; clientSecret: string };

/**
 * Tells who calls from an address, or throws `invalid_client` or `too_many_attempts`, or `unavailable` where that takes
 * longer than 1.5 s. With a rate, the call is counted as one of those, and `rate_limited` where they are too many.
 */
export type Authenticate = (credentials: Credentials | undefined, address: string, rate?: Rate) => Promise<Caller>;

export type AuthenticatorOptions = {
  store: Pick<Store, "findClient" | "shared" | "addToCounts" | "readCounts">;
  trust: Pick<Trust, "latest">;
  clock: Clock;
  audit: AuditLog;
  rates: Rates;
  /** Whether a caller without credentials may do everything. */
  open: boolean;
};

/** One call that is to be authenticated: who it says it is, where from, and the digest of its secret. */
type Presented = { clientId: string; address: string; pair: string; digest: Buffer };

/**
 * Makes the function that authenticates. An unknown client and a wrong secret are answered alike and
 * cost the same. Guesses are limited by client and address, so that no guesser can lock out a client that
 * calls from elsewhere, nor one that has authenticated from the same address before: its secret is recognised.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { store, trust, clock, audit, rates, open } = options;
  const { attempt } = createAttempts(options);
  const known = createKnownClients(options);
  const oneByOne = createQueues();
  const underWay = new Map<string, Promise<Caller>>();

  async function lookUp({ clientId, pair, digest }: Presented): Promise<Caller> {
    // What could be no client's id is not looked for: not every database takes any text.
    const isPossible = identifier.safeParse(clientId).success;
    const asOf = isPossible ? await trust.latest() : 0;
    const client = isPossible ? await store.findClient(clientId) : undefined;
    const matches = digestMatches(digest, client?.secrets ?? [], clock());
    if (client === undefined || !matches) {
      known.correct(pair, client?.secrets);
      throw new MintmarkError("invalid_client");
    }
    known.remember(pair, client.secrets);
    return { asOf, ...client };
  }

  /** Counts the failure of a look-up that was not counted before it was made. */
  async function countFailure(presented: Presented, error: unknown): Promise<never> {
    if (!isRefusal(error, "invalid_client")) throw error;
    return attempt(presented, () => Promise.reject(error));
  }

  /** A recognised secret is no guess. It is looked up all the same: the client may have been removed meanwhile. */
  const lookUpRecognised = (presented: Presented) =>
    lookUp(presented).catch((error: unknown) => countFailure(presented, error));

  async function takeTurn(presented: Presented): Promise<Caller> {
    const { pair, digest, clientId } = presented;
    if (known.recognises(pair, digest)) return lookUpRecognised(presented);
    try {
      return await attempt(presented, () => lookUp(presented));
    } catch (error) {
      if (!isRefusal(error, "too_many_attempts")) throw error;
      await known.readAgain(pair, clientId);
      if (!known.recognises(pair, digest)) throw error;
      return lookUpRecognised(presented);
    }
  }

  async function authenticate({ clientId, clientSecret }: Credentials, address: string): Promise<Caller> {
    const pair = pairOf({ clientId, address });
    const presented = { clientId, address, pair, digest: digestOf(clientSecret) };
    if (known.recognises(pair, presented.digest)) return lookUpRecognised(presented);
    const name = `${pair} ${presented.digest.toString("base64url")}`;
    const first = underWay.get(name);
    if (first === undefined) {
      const turn = oneByOne(pair, () => takeTurn(presented)).finally(() => underWay.delete(name));
      underWay.set(name, turn);
      return turn;
    }
    // The first calls of a client all at once are no guesses. One that fails counts as if it had been made alone.
    try {
      await first;
    } catch (error) {
      return countFailure(presented, error);
    }
    // The look-up of the first began before this call: the client may have been removed between them.
    return lookUpRecognised(presented);
  }

  async function authenticateInTime(credentials: Credentials, address: string): Promise<Caller> {
    try {
      return await patiently(authenticate(credentials, address));
    } catch (error) {
      for (const reason of ["invalid_client", "too_many_attempts"] as const)
        if (isRefusal(error, reason)) audit.countRefusal(address, reason);
      throw error;
    }
  }

  return async (credentials, address, rate) => {
    const early = rate && rates.ofAddress(rate, address);
    if (early !== undefined) throw early;
    const isLocal = credentials === undefined && open;
    const caller = isLocal ? localCaller : await authenticateInTime(credentials ?? NOBODY, address);
    const late = rate && rates.ofClient(rate, caller.clientId, address);
    if (late !== undefined) throw late;
    return caller;
  };
}

/** What is presented by a caller without credentials. */
const NOBODY: Credentials = { clientId: "", clientSecret: "" };
