import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { addressPrefix, countId } from "../throttle/call-limits.ts";
import type { Browser } from "./step.ts";

/** Wrong user codes in a period: of a browser, and of an address, which an office may share. */
const MAX_OF_BROWSER = 10;
const MAX_OF_ADDRESS = 20;

/** As long as a user code is valid. */
const PERIOD: Seconds = 600;

/** An entry of a user code. `retryAfter` is 0 where its code may be looked up. */
type Entry = {
  retryAfter: Seconds;
  /** Takes the entry back: its code was right. */
  release(): Promise<void>;
};

/**
 * Limits the wrong user codes of a browser to 10, and of an address to 20, in each period of 10 minutes, over all servers by
 * counts in the store. While a code is valid, two periods pass: an address can try 40 of 25,600,000,000 codes, and finds a
 * certain one with odds of 1 to 640 million (RFC 8628 §5.1). With 1,000 codes pending, 10,000 addresses that try all the time
 * find one every 21 hours, and with it sign a stranger's device in to an account of their own.
 *
 * The returned function counts an entry before its code is looked up: concurrent ones gain nothing.
 */
export function createGuessLimit(
  store: Pick<Store, "addToCounts">,
  clock: Clock,
): (browser: Browser) => Promise<Entry> {
  return async ({ key = "", address }) => {
    const until = clock() - (clock() % PERIOD) + PERIOD;
    const counted = [
      { id: countId("user codes of browser", key, until), most: MAX_OF_BROWSER },
      ...(address === undefined
        ? []
        : [{ id: countId("user codes of address", addressPrefix(address), until), most: MAX_OF_ADDRESS }]),
    ];
    const add = (amount: number) => store.addToCounts(counted.map(({ id }) => ({ id, amount, until })));
    const totals = await add(1);
    const isOver = counted.some(({ most }, at) => (totals[at] ?? 0) > most);
    const release = async () => void (await add(-1));
    if (!isOver) return { retryAfter: 0, release };
    // A browser over its limit must not use up that of its address.
    await release();
    return { retryAfter: until - clock(), release: async () => {} };
  };
}
