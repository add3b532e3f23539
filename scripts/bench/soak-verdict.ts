/** Values in the order of time. */
export type Series = { name: string; unit: string; values: readonly number[] };

/** How much a series may grow: a part of its median, or `atLeast` in its own unit, whichever is more. */
export type Allowance = { part: number; atLeast: number };

export type Verdict = { isFlat: boolean; median: number; growth: number };

/** The first quarter does not count: caches fill, and V8 compiles. */
const COUNTED_FROM = 0.25;

/**
 * Decides whether the last three quarters of a series are flat. The growth comes from the Theil-Sen slope, the median of
 * the slopes between all pairs of values: no single disturbance changes it.
 */
export function verdictOf(values: readonly number[], { part, atLeast }: Allowance): Verdict {
  const counted = values.slice(Math.floor(values.length * COUNTED_FROM));
  const slopes = counted.flatMap((one, at) =>
    counted.slice(at + 1).map((other, distance) => (other - one) / (distance + 1)),
  );
  const growth = slopes.length === 0 ? 0 : medianOf(slopes) * (counted.length - 1);
  const median = medianOf(counted);
  return { isFlat: growth <= Math.max(median * part, atLeast), median, growth };
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
