import type { Milliseconds } from "../time.ts";

/** Milliseconds since an arbitrary moment. Never set back; counts the time in which the machine sleeps. */
export type MonotonicClock = () => Milliseconds;

/** A larger advance of the wall clock counts as suspended time. */
const SUSPENDED_MS: Milliseconds = 1000;

/**
 * `performance.now()` stops while a machine sleeps or a virtual one is paused, so that old data would look fresh afterwards.
 * The advance of the wall clock is added. A clock that was only set ahead makes data look too old, which is safe.
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
