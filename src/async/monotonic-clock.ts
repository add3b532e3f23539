import type { Milliseconds } from "../time.ts";
/** Milliseconds since an arbitrary moment. It is never set back and does not stop while the machine sleeps. */
export type MonotonicClock = () => number;

/** A lead of the wall clock by more than this is time that the steady one has missed. */
const SUSPENDED_MS: Milliseconds = 1000;

/**
 * `performance.now()` stands still while a machine sleeps or a virtual one is paused, and what was known
 * before would look fresh afterwards. The wall clock tells of such time. It also tells of it where it was
 * only set ahead: too old is the safe side, and the next connection measures anew.
 */
export function createMonotonicClock(): MonotonicClock {
  let slept = 0;
  let lead = Date.now() - performance.now();
  return () => {
    const now = performance.now();
    const newLead = Date.now() - now;
    if (newLead - lead > SUSPENDED_MS) slept += newLead - lead;
    lead = newLead;
    return now + slept;
  };
}
