import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { CountAddition, Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import { addressPrefix } from "../throttle/address-prefix.ts";
import { countId } from "../throttle/call-limits.ts";
import { WINDOW } from "../throttle/fixed-window.ts";

/** Failures within a minute before more are refused unheard: of one client from one address, and from one address. */
export const CLIENT_FAILURES = 10;
export const ADDRESS_FAILURES = 100;

/** Who tries to be which client, and where. */
export type Attempt = { clientId: string; address: string };

/** What an attempt is counted by, beside its address: the client at the address. */
export function pairOf({ clientId, address }: Attempt): string {
  return `${clientId} ${addressPrefix(address)}`;
}

/** How often failures are told to the others, in milliseconds: guesses of many at once must not each cost a commit. */
const FLUSH_INTERVAL_MS: Milliseconds = 20;

/** Counts failures over all servers, by whole minutes, in their store. */
export function createSharedFailures(store: Pick<Store, "addToCounts" | "readCounts">, clock: Clock) {
  let unflushed = new Map<string, CountAddition>();
  const flush = coalesce(async () => {
    const additions = [...unflushed.values()];
    unflushed = new Map();
    await store.addToCounts(additions);
  }, FLUSH_INTERVAL_MS);

  /** The end of the minute, and the names of the counts of an attempt in it. */
  function countsOf(attempt: Attempt) {
    const until = clock() - (clock() % WINDOW) + WINDOW;
    const ids = [
      countId("client failures", pairOf(attempt), until),
      countId("address failures", addressPrefix(attempt.address), until),
    ];
    return { until, ids };
  }

  return {
    /** The seconds to wait where too many have failed, else 0. */
    async check(attempt: Attempt): Promise<Seconds> {
      const { ids, until } = countsOf(attempt);
      const [client = 0, address = 0] = await store.readCounts(ids);
      return client >= CLIENT_FAILURES || address >= ADDRESS_FAILURES ? until - clock() : 0;
    },
    /** Resolves when the others can know. Without the database they cannot, and what is counted here goes on. */
    async add(attempt: Attempt): Promise<void> {
      const { ids, until } = countsOf(attempt);
      for (const id of ids) unflushed.set(id, { id, until, amount: (unflushed.get(id)?.amount ?? 0) + 1 });
      await withTimeout(flush()).catch((error: unknown) => {
        if (!(error instanceof MintmarkError)) throw error;
      });
    },
  };
}
