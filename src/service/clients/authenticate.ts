import { createQueues, withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import { identifier } from "../../token/claims.ts";
import type { PresentedCredentials } from "../../token/client-secret-basic.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { type Caller, localCaller } from "../access/caller.ts";
import type { CallLimits, Rate } from "../throttle/call-limits.ts";
import { digestMatches, digestOf } from "./client-secret.ts";
import { createFailedLogins, isDenial, pairOf } from "./failed-logins.ts";
import { createClientCache } from "./known-clients.ts";

/**
 * Tells who calls from an address, or throws `invalid_client` or `too_many_attempts`, or `unavailable` where that takes
 * longer than 1.5 s. With a rate, the call is counted as one of those, and `rate_limited` where they are too many.
 */
export type Authenticate = (
  credentials: PresentedCredentials | undefined,
  address: string,
  rate?: Rate,
) => Promise<Caller>;

export type AuthenticatorOptions = {
  store: Pick<Store, "findClient" | "shared" | "addToCounts" | "readCounts">;
  clock: Clock;
  audit: AuditLog;
  rates: CallLimits;
  /** Whether a caller without credentials may do everything. */
  open: boolean;
};

/** Who a call may say it is, and the digest of its secret. */
type Candidate = { clientId: string; pair: string; digest: Buffer };

/**
 * One call that is to be authenticated, where from, and as whom: nearly always as one candidate. Failures are counted
 * once, under the decoded id. Of the one as written there are many spellings for each client.
 */
type Presented = { clientId: string; address: string; pair: string; candidates: readonly Candidate[] };

/**
 * Makes the function that authenticates. An unknown client and a wrong secret are answered alike and
 * cost the same. Guesses are limited by client and address, so that no guesser can lock out a client that
 * calls from elsewhere, nor one that has authenticated from the same address before: its secret is recognised.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { store, clock, audit, rates, open } = options;
  const { attempt } = createFailedLogins(options);
  const known = createClientCache(options);
  const inOrder = createQueues();
  const pending = new Map<string, Promise<Caller>>();

  async function lookUp({ clientId, pair, digest }: Candidate): Promise<Caller> {
    // What could be no client's id is not looked for: not every database takes any text.
    const isPossible = identifier.safeParse(clientId).success;
    const client = isPossible ? await store.findClient(clientId) : undefined;
    const matches = digestMatches(digest, client?.secrets ?? [], clock());
    if (client === undefined || !matches) {
      known.correct(pair, client?.secrets);
      throw new MintmarkError("invalid_client");
    }
    known.remember(pair, client.secrets);
    return { ...client, secretHash: digest.toString("base64url") };
  }

  /** Looks all candidates up, also when one is found: the time it takes says nothing about which is right. */
  async function lookUpAll({ candidates }: Presented): Promise<Caller> {
    const outcomes = await Promise.allSettled(candidates.map(lookUp));
    const failures: unknown[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") return outcome.value;
      failures.push(outcome.reason);
    }
    // Where one could not be looked up, nothing is known to be wrong.
    throw failures.find((failure) => !isDenial(failure, "invalid_client")) ?? failures[0];
  }

  const cached = ({ candidates }: Presented) =>
    candidates.filter(({ pair, digest }) => known.recognises(pair, digest)).at(0);

  /** Counts the failure of a look-up that was not counted before it was made. */
  async function countFailure(presented: Presented, error: unknown): Promise<never> {
    if (!isDenial(error, "invalid_client")) throw error;
    return attempt(presented, () => Promise.reject(error));
  }

  /** A recognised secret is no guess. It is looked up all the same: the client may have been removed meanwhile. */
  const authenticateCached = (presented: Presented, candidate: Candidate) =>
    lookUp(candidate).catch((error: unknown) => countFailure(presented, error));

  async function authenticateInOrder(presented: Presented): Promise<Caller> {
    const candidate = cached(presented);
    if (candidate !== undefined) return authenticateCached(presented, candidate);
    try {
      return await attempt(presented, () => lookUpAll(presented));
    } catch (error) {
      if (!isDenial(error, "too_many_attempts")) throw error;
      await Promise.all(presented.candidates.map(({ pair, clientId }) => known.refresh(pair, clientId)));
      const candidate = cached(presented);
      if (candidate === undefined) throw error;
      return authenticateCached(presented, candidate);
    }
  }

  async function authenticate(presented: Presented): Promise<Caller> {
    const { pair, candidates } = presented;
    const candidate = cached(presented);
    if (candidate !== undefined) return authenticateCached(presented, candidate);
    const name = candidates.map(({ pair, digest }) => `${pair} ${digest.toString("base64url")}`).join(" ");
    const first = pending.get(name);
    if (first === undefined) {
      const turn = inOrder(pair, () => authenticateInOrder(presented)).finally(() => pending.delete(name));
      pending.set(name, turn);
      return turn;
    }
    // The first calls of a client all at once are no guesses. One that fails counts as if it had been made alone.
    try {
      await first;
    } catch (error) {
      return countFailure(presented, error);
    }
    // The look-up of the first began before this call: the client may have been removed between them.
    return lookUpAll(presented).catch((error: unknown) => countFailure(presented, error));
  }

  async function authenticateInTime(credentials: PresentedCredentials, address: string): Promise<Caller> {
    try {
      return await withTimeout(authenticate(presentedOf(credentials, address)));
    } catch (error) {
      for (const reason of ["invalid_client", "too_many_attempts"] as const)
        if (isDenial(error, reason)) audit.countDenial(address, reason);
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

function presentedOf({ asWritten, ...decoded }: PresentedCredentials, address: string): Presented {
  const candidates = [decoded, ...(asWritten === undefined ? [] : [asWritten])].map(({ clientId, clientSecret }) => ({
    clientId,
    pair: pairOf({ clientId, address }),
    digest: digestOf(clientSecret),
  }));
  return { clientId: decoded.clientId, address, pair: pairOf({ ...decoded, address }), candidates };
}

/** What is presented by a caller without credentials. */
const NOBODY: PresentedCredentials = { clientId: "", clientSecret: "" };
