/** What is measured over and over: the name of a series and its unit, and its values in the order of time. */
export type Series = { name: string; unit: string; values: readonly number[] };

/** How much a series may grow over the time that is judged: as a part of its median, or by so much in its own unit. */
export type Allowance = { part: number; atLeast: number };

export type Verdict = { isFlat: boolean; median: number; growth: number };

/** The first quarter is not judged: caches fill, and code is compiled. */
const JUDGED_FROM = 0.25;

/**
 * Says whether a series is flat over its last three quarters: the slope is the median of those between all pairs of
 * values (Theil and Sen), which no single disturbance changes, and the growth is that slope over the whole time.
 */
export function verdictOf(values: readonly number[], { part, atLeast }: Allowance): Verdict {
  const judged = values.slice(Math.floor(values.length * JUDGED_FROM));
  const slopes = judged.flatMap((one, at) =>
    judged.slice(at + 1).map((other, distance) => (other - one) / (distance + 1)),
  );
  const growth = slopes.length === 0 ? 0 : medianOf(slopes) * (judged.length - 1);
  const median = medianOf(judged);
  return { isFlat: growth <= Math.max(median * part, atLeast), median, growth };
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
