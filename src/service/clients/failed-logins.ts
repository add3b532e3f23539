import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { CountAddition, Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import { addressPrefix, countId } from "../throttle/call-limits.ts";
import { createFixedWindow, WINDOW } from "../throttle/fixed-window.ts";
import { pairOf } from "./client-cache.ts";

/** Failures a minute after which attempts are refused unchecked: of one client from one address, and from one address. */
const CLIENT_FAILURES = 10;
const ADDRESS_FAILURES = 100;

/** How often failures are written to the store: many guesses at once must not each cost a commit. */
const FLUSH_INTERVAL_MS: Milliseconds = 20;

/** The client id that is presented, and the address of the caller. Without one, failures are limited by client alone. */
type Attempt = { clientId: string; address: string | undefined };

export type FailedLogins = {
  /**
   * Counts an attempt as failed before it verifies the credentials, so that concurrent attempts gain nothing. Takes the
   * count back unless the attempt is rejected with `invalid_client`. Throws `too_many_attempts`, and `unavailable` after
   * 1.5 s.
   */
  attempt<Outcome>(attempt: Attempt, verifyCredentials: () => Promise<Outcome>): Promise<Outcome>;
};

export type FailedLoginsOptions = {
  store: Pick<Store, "shared" | "addToCounts" | "readCounts">;
  clock: Clock;
};

/**
 * Limits failed client authentications: in this process before each attempt, over all servers by counts in the store after
 * each failure. All servers together verify at most the limit, and the attempts in progress when it is reached: one of each
 * server for a client at an address, since these run one at a time.
 */
export function createFailedLogins({ store, clock }: FailedLoginsOptions): FailedLogins {
  const ofClient = createFixedWindow(CLIENT_FAILURES, clock);
  const ofAddress = createFixedWindow(ADDRESS_FAILURES, clock);
  const shared = store.shared ? createSharedFailures(store, clock) : undefined;

  function reserve(attempt: Attempt): void {
    const prefix = prefixOf(attempt);
    // The address first, which limits the clients that one address can add to the table.
    const wait = prefix === undefined ? 0 : ofAddress.take(prefix);
    if (wait > 0) throw tooMany(wait);
    const clientWait = ofClient.take(pairOf(attempt));
    if (clientWait === 0) return;
    if (prefix !== undefined) ofAddress.release(prefix);
    throw tooMany(clientWait);
  }

  function release(attempt: Attempt): void {
    const prefix = prefixOf(attempt);
    ofClient.release(pairOf(attempt));
    if (prefix !== undefined) ofAddress.release(prefix);
  }

  async function verifyUnlessLimited<Outcome>(
    attempt: Attempt,
    verifyCredentials: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const wait = (await shared?.check(attempt)) ?? 0;
    if (wait > 0) throw tooMany(wait);
    return verifyCredentials();
  }

  return {
    async attempt(attempt, verifyCredentials) {
      reserve(attempt);
      try {
        const outcome = await withTimeout(verifyUnlessLimited(attempt, verifyCredentials));
        release(attempt);
        return outcome;
      } catch (error) {
        if (isDenial(error, "invalid_client")) await shared?.add(attempt);
        else if (!isDenial(error, "too_many_attempts")) release(attempt);
        throw error;
      }
    },
  };
}

function prefixOf({ address }: Attempt): string | undefined {
  return address === undefined ? undefined : addressPrefix(address);
}

/** Counts failures over all servers, by whole minutes, in their store. */
function createSharedFailures(store: Pick<Store, "addToCounts" | "readCounts">, clock: Clock) {
  let unflushed = new Map<string, CountAddition>();
  const flush = coalesce(async () => {
    const additions = [...unflushed.values()];
    unflushed = new Map();
    await store.addToCounts(additions);
  }, FLUSH_INTERVAL_MS);

  /** The end of the minute, and the ids of the counts of an attempt in it. */
  function countsOf(attempt: Attempt) {
    const until = clock() - (clock() % WINDOW) + WINDOW;
    const prefix = prefixOf(attempt);
    const ids = [countId("client failures", pairOf(attempt), until)];
    if (prefix !== undefined) ids.push(countId("address failures", prefix, until));
    return { until, ids };
  }

  return {
    /** The seconds to wait where the limit is reached, else 0. */
    async check(attempt: Attempt): Promise<Seconds> {
      const { ids, until } = countsOf(attempt);
      const [client = 0, address = 0] = await store.readCounts(ids);
      return client >= CLIENT_FAILURES || address >= ADDRESS_FAILURES ? until - clock() : 0;
    },
    /** Resolves when other servers can read the failure. Ignores an outage of the store: the count of this process holds. */
    async add(attempt: Attempt): Promise<void> {
      const { ids, until } = countsOf(attempt);
      for (const id of ids) unflushed.set(id, { id, until, amount: (unflushed.get(id)?.amount ?? 0) + 1 });
      await withTimeout(flush()).catch((error: unknown) => {
        if (!(error instanceof MintmarkError)) throw error;
      });
    },
  };
}

function tooMany(retryAfter: Seconds): MintmarkError {
  return new MintmarkError("too_many_attempts", { retryAfter });
}

export function isDenial(error: unknown, reason: Reason): boolean {
  return error instanceof MintmarkError && error.reason === reason;
}
