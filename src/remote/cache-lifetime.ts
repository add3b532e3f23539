import type { Seconds } from "../time.ts";

export type LifetimeBounds = { min: Seconds; max: Seconds; fallback: Seconds };

/** The `max-age` of a `Cache-Control` (RFC 9111 §5.2.2.1) within bounds; without one, `fallback`. */
export function maxAgeOf(cacheControl: string, { min, max, fallback }: LifetimeBounds): Seconds {
  const [, seconds] = cacheControl.match(/(?:^|[\s,])max-age="?(\d{1,9})/i) ?? [];
  if (/(?:^|[\s,])no-(?:store|cache)/i.test(cacheControl)) return min;
  return seconds === undefined ? fallback : Math.min(Math.max(Number(seconds), min), max);
}

/** The seconds of an `Age` (RFC 9111 §5.1): how long a cache on the way has had the response. */
export function parseAge(age: string): Seconds {
  return /^\d{1,9}$/.test(age) ? Number(age) : 0;
}
