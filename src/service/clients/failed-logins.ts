import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { addressPrefix } from "../throttle/address-prefix.ts";
import { WINDOW } from "../throttle/fixed-window.ts";
import { ADDRESS_FAILURES, type Attempt, CLIENT_FAILURES, createSharedFailures, pairOf } from "./shared-failures.ts";

/** Clients at addresses, and addresses, that are told apart; of more, the oldest are forgotten. Each takes half a kilobyte. */
const MAX_KEYS = 20_000;

export type FailedLogins = {
  /**
   * Counts an attempt as failed before it is heard, so that many at once are no way to try more, and hears it. Unless
   * that is refused as `invalid_client`, what was counted is taken back. Throws `too_many_attempts`, and `unavailable`
   * where it takes too long.
   */
  attempt<Outcome>(attempt: Attempt, verifyCredentials: () => Promise<Outcome>): Promise<Outcome>;
};

export type FailedLoginsOptions = {
  store: Pick<Store, "shared" | "addToCounts" | "readCounts">;
  clock: Clock;
};

/**
 * Counts failed attempts to authenticate: in this process before they are heard, and over all servers when they have
 * failed. So all together hear no more than the limit and what each has under way when it is reached: of a client at
 * an address that is one attempt each, since those with different secrets come here one after the other.
 */
export function createFailedLogins({ store, clock }: FailedLoginsOptions): FailedLogins {
  const ofClient = createFailureLimit(CLIENT_FAILURES);
  const ofAddress = createFailureLimit(ADDRESS_FAILURES);
  const shared = store.shared ? createSharedFailures(store, clock) : undefined;

  async function releaseAttempt(attempt: Attempt): Promise<void> {
    await Promise.all([ofClient.reward(pairOf(attempt)), ofAddress.reward(addressPrefix(attempt.address))]);
  }

  async function reserveAttempt(attempt: Attempt): Promise<void> {
    const network = addressPrefix(attempt.address);
    // The address first: else one could have any number of clients remembered.
    const wait = (await ofAddress.consume(network)) || (await ofClient.consume(pairOf(attempt)));
    if (wait === 0) return;
    await ofAddress.reward(network);
    throw new MintmarkError("too_many_attempts", { retryAfter: wait });
  }

  async function verifyUnlessLimited<Outcome>(
    attempt: Attempt,
    verifyCredentials: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const retryAfter = (await shared?.check(attempt)) ?? 0;
    if (retryAfter > 0) throw new MintmarkError("too_many_attempts", { retryAfter });
    return verifyCredentials();
  }

  return {
    async attempt(attempt, verifyCredentials) {
      await reserveAttempt(attempt);
      try {
        const outcome = await withTimeout(verifyUnlessLimited(attempt, verifyCredentials));
        await releaseAttempt(attempt);
        return outcome;
      } catch (error) {
        if (isDenial(error, "invalid_client")) await shared?.add(attempt);
        else if (!isDenial(error, "too_many_attempts")) await releaseAttempt(attempt);
        throw error;
      }
    },
  };
}

/** Counts by key in this process. Where there were too many in a minute, `consume` gives the seconds left of it, else 0. */
function createFailureLimit(points: number) {
  const limiter = new RateLimiterMemory({ points, duration: WINDOW });
  const keys = new Set<string>();

  function remember(key: string): void {
    if (keys.delete(key) || keys.size < MAX_KEYS) return void keys.add(key);
    const [oldest = ""] = keys;
    keys.delete(oldest);
    void limiter.delete(oldest);
    keys.add(key);
  }

  return {
    reward: (key: string) => limiter.reward(key),
    async consume(key: string): Promise<Seconds> {
      remember(key);
      try {
        await limiter.consume(key);
        return 0;
      } catch (limit) {
        if (limit instanceof RateLimiterRes) return Math.ceil(limit.msBeforeNext / 1000);
        throw limit;
      }
    },
  };
}

export function isDenial(error: unknown, reason: Reason): boolean {
  return error instanceof MintmarkError && error.reason === reason;
}
