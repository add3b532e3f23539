import { createQueues, withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import { identifier } from "../../token/claims.ts";
import type { PresentedCredentials } from "../../token/decode-basic.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { type Caller, localCaller } from "../access/caller.ts";
import type { CallLimits, Rate } from "../throttle/call-limits.ts";
import { createClientCache, pairOf } from "./client-cache.ts";
import { digestMatches, digestOf } from "./client-secret.ts";
import type { ClientUses } from "./client-uses.ts";
import { createFailedLogins, isDenial } from "./failed-logins.ts";

/**
 * Authenticates a caller. Throws `invalid_client`, `too_many_attempts`, and `unavailable` after 1.5 s. With a rate, counts
 * the call and throws `rate_limited` over the limit. Without an address, no limit by address applies.
 */
export type Authenticate = (
  credentials: PresentedCredentials | undefined,
  address: string | undefined,
  rate?: Rate,
) => Promise<Caller>;

export type AuthenticatorOptions = {
  store: Pick<Store, "findClient" | "shared" | "addToCounts" | "readCounts">;
  clock: Clock;
  audit: AuditLog;
  rates: CallLimits;
  uses: Pick<ClientUses, "note">;
  /** Whether callers without credentials have every permission. */
  open: boolean;
};

/** One reading of the credentials, and the digest of its secret. */
type Candidate = { clientId: string; pair: string; digest: Buffer };

/**
 * The credentials of a call: one candidate, or two where the header can be read in two ways. A failure is counted once,
 * under the decoded id: a client has many spellings as written.
 */
type Presented = { clientId: string; address: string | undefined; pair: string; candidates: readonly Candidate[] };

/**
 * Creates the function that authenticates. An unknown client and a wrong secret get the same error at the same cost. Failures
 * are limited by client and address: a guesser locks out neither a client that calls from elsewhere, nor one that has
 * authenticated from the same address before, whose secret is cached.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { store, clock, audit, rates, uses, open } = options;
  const { attempt } = createFailedLogins(options);
  const cache = createClientCache(options);
  const inOrder = createQueues();
  const pending = new Map<string, Promise<Caller>>();

  async function verify({ clientId, pair, digest }: Candidate): Promise<Caller> {
    // Not every database accepts any text: an impossible id is not queried.
    const isPossible = identifier.safeParse(clientId).success;
    const client = isPossible ? await store.findClient(clientId) : undefined;
    const matches = digestMatches(digest, client?.secrets ?? [], clock());
    if (client === undefined || !matches) {
      cache.update(pair, client?.secrets);
      throw new MintmarkError("invalid_client");
    }
    cache.add(pair, client.secrets);
    uses.note(client);
    return { ...client, secretHash: digest.toString("base64url") };
  }

  /** Verifies all candidates, also after a match: the duration must not reveal which one is right. */
  async function verifyAll({ candidates }: Presented): Promise<Caller> {
    const outcomes = await Promise.allSettled(candidates.map(verify));
    const failures: unknown[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") return outcome.value;
      failures.push(outcome.reason);
    }
    // A candidate that could not be verified is not known to be wrong.
    throw failures.find((failure) => !isDenial(failure, "invalid_client")) ?? failures[0];
  }

  // Not `find`: both candidates are compared, also after a match.
  const findCached = ({ candidates }: Presented) =>
    candidates.filter(({ pair, digest }) => cache.matches(pair, digest)).at(0);

  /** Counts a failure that was not counted before the verification. */
  async function countFailure(presented: Presented, error: unknown): Promise<never> {
    if (!isDenial(error, "invalid_client")) throw error;
    return attempt(presented, () => Promise.reject(error));
  }

  /** A cached secret is no guess. It is verified all the same: the client may have been removed meanwhile. */
  const verifyCached = (presented: Presented, candidate: Candidate) =>
    verify(candidate).catch((error: unknown) => countFailure(presented, error));

  async function authenticateInOrder(presented: Presented): Promise<Caller> {
    const candidate = findCached(presented);
    if (candidate !== undefined) return verifyCached(presented, candidate);
    try {
      return await attempt(presented, () => verifyAll(presented));
    } catch (error) {
      if (!isDenial(error, "too_many_attempts")) throw error;
      await Promise.all(presented.candidates.map(({ pair, clientId }) => cache.refresh(pair, clientId)));
      const candidate = findCached(presented);
      if (candidate === undefined) throw error;
      return verifyCached(presented, candidate);
    }
  }

  async function authenticate(presented: Presented): Promise<Caller> {
    const { pair, candidates } = presented;
    const candidate = findCached(presented);
    if (candidate !== undefined) return verifyCached(presented, candidate);
    const name = candidates.map(({ pair, digest }) => `${pair} ${digest.toString("base64url")}`).join(" ");
    const first = pending.get(name);
    if (first === undefined) {
      const run = inOrder(pair, () => authenticateInOrder(presented)).finally(() => pending.delete(name));
      pending.set(name, run);
      return run;
    }
    // Concurrent first calls with one secret are one guess if it is right. If it is wrong, each counts as a failure.
    try {
      await first;
    } catch (error) {
      return countFailure(presented, error);
    }
    // The first call read the client before this one: it may have been removed in between.
    return verifyAll(presented).catch((error: unknown) => countFailure(presented, error));
  }

  async function authenticateInTime(credentials: PresentedCredentials, address: string | undefined): Promise<Caller> {
    try {
      return await withTimeout(authenticate(presentedOf(credentials, address)));
    } catch (error) {
      for (const reason of ["invalid_client", "too_many_attempts"] as const)
        if (isDenial(error, reason)) audit.countDenial(address ?? UNKNOWN, reason);
      throw error;
    }
  }

  return async (credentials, address, rate) => {
    const early = rate && address !== undefined ? rates.ofAddress(rate, address) : undefined;
    if (early !== undefined) throw early;
    const isLocal = credentials === undefined && open;
    const caller = isLocal ? localCaller : await authenticateInTime(credentials ?? NO_CREDENTIALS, address);
    const late = rate && rates.ofClient(rate, caller.clientId, address ?? UNKNOWN);
    if (late !== undefined) throw late;
    return caller;
  };
}

/** The address in the audit log where none is known. */
const UNKNOWN = "unknown";

function presentedOf({ asWritten, ...decoded }: PresentedCredentials, address: string | undefined): Presented {
  const candidates = [decoded, ...(asWritten === undefined ? [] : [asWritten])].map(({ clientId, clientSecret }) => ({
    clientId,
    pair: pairOf({ clientId, address }),
    digest: digestOf(clientSecret),
  }));
  return { clientId: decoded.clientId, address, pair: pairOf({ ...decoded, address }), candidates };
}

const NO_CREDENTIALS: PresentedCredentials = { clientId: "", clientSecret: "" };
