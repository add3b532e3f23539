import type { Clock, Seconds } from "../../time.ts";

/** Length of a window. Windows are whole minutes, the same on every server. */
export const WINDOW: Seconds = 60;

/** Keys of a generation. A count survives at least as many other keys, and is held for twice as many at most. */
const GENERATION = 50_000;

/** The share of the limit below which a count is not shared: most keys never come near their limit. */
const UNSHARED = 1 / 100;

/** Calls of one key within the window: those counted here and not shared yet, and those of all processes known here. */
type Counter = { unshared: number; known: number };

/** Calls counted here and not shared yet. `confirm` takes the total over all processes. */
export type Unshared = { key: string; window: Seconds; amount: number; confirm: (total: number) => void };

export type FixedWindow = {
  /** Counts a call and returns 0. At the limit it counts nothing and returns the seconds until the next window. */
  take(key: string): Seconds;
  /** Takes back a counted call. */
  release(key: string): void;
  unshared(): Unshared[];
};

/**
 * Limits the calls of each key to `limit` a minute. Two-generation LRU: a full table drops the keys that were not used for a
 * generation, so that a flood of keys resets the count of no key in use.
 */
export function createFixedWindow(limit: number, clock: Clock): FixedWindow {
  let recent = new Map<string, Counter>();
  let earlier = new Map<string, Counter>();
  let window = 0;

  function begin(now: Seconds): void {
    window = now - (now % WINDOW);
    recent = new Map();
    earlier = new Map();
  }

  function toRecent(key: string): Counter {
    const counter = earlier.get(key) ?? { unshared: 0, known: 0 };
    if (recent.size >= GENERATION) {
      earlier = recent;
      recent = new Map();
    }
    earlier.delete(key);
    recent.set(key, counter);
    return counter;
  }

  return {
    take(key) {
      const now = clock();
      if (now < window || now >= window + WINDOW) begin(now);
      const counter = recent.get(key) ?? toRecent(key);
      if (counter.unshared + counter.known >= limit) return window + WINDOW - now;
      counter.unshared += 1;
      return 0;
    },

    release(key) {
      const counter = recent.get(key) ?? earlier.get(key);
      if (counter !== undefined && counter.unshared > 0) counter.unshared -= 1;
    },

    unshared() {
      const found: Unshared[] = [];
      for (const counters of [earlier, recent])
        for (const [key, counter] of counters) {
          const { unshared: amount, known } = counter;
          if (amount === 0 || (known === 0 && amount <= limit * UNSHARED)) continue;
          const confirm = (total: number) => {
            counter.unshared -= amount;
            counter.known = Math.max(known + amount, total);
          };
          found.push({ key, window, amount, confirm });
        }
      return found;
    },
  };
}
