/** Counts inputs by their outcome, and measures the slowest. */
export type Tally = {
  count(outcome: { what: string; isParsed: boolean }): void;
  /** Records the milliseconds of an answer; of one that seemed slow, those when run alone. */
  time(ms: number): void;
  /** Records an answer that seemed slow, and was fast when run alone. */
  acquit(): void;
  readonly inputs: number;
  /** One line for the table. */
  row(): string;
};

const SHOWN = 14;

export function createTally(name: string): Tally {
  const outcomes = new Map<string, number>();
  let [inputs, parsed, slowest, acquitted] = [0, 0, 0, 0];
  const start = performance.now();
  const share = (part: number) => `${((100 * part) / Math.max(inputs, 1)).toFixed(part > 0.001 * inputs ? 1 : 3)} %`;

  return {
    count({ what, isParsed }) {
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      inputs += 1;
      if (isParsed) parsed += 1;
    },
    time(ms) {
      slowest = Math.max(slowest, ms);
    },
    acquit() {
      acquitted += 1;
    },
    get inputs() {
      return inputs;
    },
    row() {
      const sorted = [...outcomes].sort(([, a], [, b]) => b - a);
      const shown = sorted.slice(0, SHOWN).map(([what, count]) => `${what} ${share(count)}`);
      const rest = sorted.length > SHOWN ? [`and ${sorted.length - SHOWN} more`] : [];
      const seconds = ((performance.now() - start) / 1000).toFixed(0);
      return [
        `${name.padEnd(9)} ${inputs.toLocaleString("en")} inputs in ${seconds} s · ${share(parsed)} got past the first parser`,
        `slowest ${slowest.toFixed(1)} ms${acquitted > 0 ? ` (${acquitted} seemed slow, and were not when run again alone)` : ""}`,
        `${outcomes.size} outcomes: ${[...shown, ...rest].join(", ")}`,
      ].join("\n          ");
    },
  };
}
