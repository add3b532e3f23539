import type { Clock, Seconds } from "../../time.ts";

const HOUR: Seconds = 3600;

/**
 * A clock for deletions: the earliest reading of `clock` within the last hour, or `undefined` within the first hour. A clock
 * that jumps ahead and is corrected within an hour deletes nothing. Each call takes a reading.
 */
export function createRetentionClock(
  clock: Clock,
  monotonicSeconds: () => Seconds = () => performance.now() / 1000,
): () => Seconds | undefined {
  let readings: { at: Seconds; now: Seconds }[] = [];
  return () => {
    const at = monotonicSeconds();
    readings.push({ at, now: clock() });
    const start = readings.findLastIndex((one) => one.at <= at - HOUR);
    if (start < 0) return undefined;
    readings = readings.slice(start);
    return Math.min(...readings.map(({ now }) => now));
  };
}
