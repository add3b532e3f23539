import type { Clock, Seconds } from "../../time.ts";

const HOUR: Seconds = 3600;

/**
 * A clock for what cannot be undone: the earliest moment that the clock has shown within the last hour,
 * or `undefined` until it has been watched for one. A clock that jumps ahead, and is set right within
 * the hour, makes nothing be forgotten. It is watched whenever it is asked.
 */
export function createRetentionClock(
  clock: Clock,
  steady: () => Seconds = () => performance.now() / 1000,
): () => Seconds | undefined {
  let seen: { at: Seconds; now: Seconds }[] = [];
  return () => {
    const at = steady();
    seen.push({ at, now: clock() });
    const start = seen.findLastIndex((one) => one.at <= at - HOUR);
    if (start < 0) return undefined;
    seen = seen.slice(start);
    return Math.min(...seen.map(({ now }) => now));
  };
}
