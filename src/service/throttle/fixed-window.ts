import type { Clock, Seconds } from "../../time.ts";

/** How long calls are counted before that begins anew: by whole minutes, which are the same on every server. */
export const WINDOW: Seconds = 60;

/** Keys that are told apart in one window. A flood from more addresses is none that counting by address could hold. */
const MAX_KEYS = 50_000;

/** The share of the limit up to which this process keeps a count to itself: most keys never come near their limit. */
const UNSHARED = 1 / 100;

/** How often one key has called in this window: here, how much of that the others know, and what they have told. */
type Counter = { own: number; shared: number; others: number };

/** What this process has counted and the others do not know yet. */
export type Unshared = { key: string; window: Seconds; amount: number; settle: (total: number) => void };

export type FixedWindow = {
  /** Counts a call. Where as many have been counted already, gives the seconds until the next may be, and else 0. */
  take(key: string): Seconds;
  unshared(): Unshared[];
};

/**
 * Lets a key call so often in a minute, counted here and now: one look-up and a few additions. What other processes
 * count is told it later. Holds a bounded number of keys.
 */
export function createFixedWindow(limit: number, clock: Clock): FixedWindow {
  const counters = new Map<string, Counter>();
  let window = 0;

  function begin(now: Seconds): void {
    window = now - (now % WINDOW);
    counters.clear();
  }

  function add(key: string): Counter {
    if (counters.size >= MAX_KEYS) counters.clear();
    const counter = { own: 0, shared: 0, others: 0 };
    counters.set(key, counter);
    return counter;
  }

  return {
    take(key) {
      const now = clock();
      if (now < window || now >= window + WINDOW) begin(now);
      const counter = counters.get(key) ?? add(key);
      if (counter.own + counter.others >= limit) return window + WINDOW - now;
      counter.own += 1;
      return 0;
    },

    unshared() {
      const found: Unshared[] = [];
      for (const [key, counter] of counters) {
        const amount = counter.own - counter.shared;
        if (amount === 0 || counter.own <= limit * UNSHARED) continue;
        const settle = (total: number) => {
          counter.shared += amount;
          counter.others = Math.max(0, total - counter.shared);
        };
        found.push({ key, window, amount, settle });
      }
      return found;
    },
  };
}
