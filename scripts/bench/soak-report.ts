import { panelsOf } from "./soak-chart.ts";
import type { SoakReport, Wrong } from "./soak-load.ts";
import { type Allowance, medianOf, type Series, verdictOf } from "./soak-verdict.ts";
import type { Vitals } from "./soak-vitals.ts";

/** Five seconds of a run. */
export type Sample = SoakReport & Vitals;

type RunFacts = {
  minutes: number;
  rate: number;
  most: number;
  wrong: Wrong;
  machine: string;
  followers: { come: number; live: number };
};

const ROWS = 20;

/** The series, and how much each may grow over three quarters of a run. */
const SERIES: readonly { name: string; unit: string; of: (sample: Sample) => number; may: Allowance }[] = [
  { name: "memory", unit: "MB", of: ({ memory }) => memory / 2 ** 20, may: { part: 0.1, atLeast: 0 } },
  { name: "heap in use", unit: "MB", of: ({ heap }) => heap / 2 ** 20, may: { part: 0.15, atLeast: 0 } },
  { name: "handles", unit: "open", of: ({ handles }) => handles, may: { part: 0.1, atLeast: 3 } },
  { name: "p50", unit: "ms", of: ({ p50 }) => p50, may: { part: 0.25, atLeast: 0.2 } },
  { name: "p99", unit: "ms", of: ({ p99 }) => p99, may: { part: 0.25, atLeast: 2 } },
  { name: "event loop, p99", unit: "ms", of: ({ delay }) => delay, may: { part: 0.25, atLeast: 2 } },
];

/** A table and a chart of a run, and whether all series are flat. */
export function describeSoak(samples: readonly Sample[], facts: RunFacts) {
  const series: Series[] = SERIES.map(({ name, unit, of }) => ({ name, unit, values: samples.map(of) }));
  const verdicts = SERIES.map(({ may }, at) => verdictOf(series[at]?.values ?? [], may));
  const isFlat = samples.length > 3 && verdicts.every((verdict) => verdict.isFlat);
  const [memory, heap, handles, p50, p99, delay] = series as [Series, Series, Series, Series, Series, Series];
  const panels = [
    { title: "memory", series: [memory, heap] },
    { title: "latency", series: [p50, p99] },
    { title: "event loop", series: [delay] },
    { title: "handles", series: [handles] },
  ];
  const { minutes, rate, most, wrong, machine, followers } = facts;
  const judged = SERIES.map(({ name, unit, may }, at) => {
    const { median = 0, growth = 0, isFlat = false } = verdicts[at] ?? {};
    const allowed = Math.max(median * may.part, may.atLeast);
    return `| ${name}, ${unit} | ${[median, growth, allowed].map((it) => it.toFixed(2)).join(" | ")} | ${isFlat ? "yes" : "**no**"} |`;
  });
  const markdown = `# soak

\`npm run soak -- --minutes ${minutes}\` on ${machine}: ${rate} requests a second, two thirds of the most (${most.toFixed(0)}): 70 % verifyToken, 16 % getToken, 7 % refreshToken, 7 % revokeToken, on 32 connections, while ${followers.come} verifiers came to follow and all but ${followers.live} went. Answers that were wrong: ${inWords(wrong)}.

## Growth over the last three quarters

| | median | growth | allowed | flat |
| --- | ---: | ---: | ---: | --- |
${judged.join("\n")}

## The run

| minutes | requests a second | ${SERIES.map(({ name, unit }) => `${name}, ${unit}`).join(" | ")} |
| --- | ---: | ${SERIES.map(() => "---:").join(" | ")} |
${rowsOf(samples, minutes).join("\n")}
`;
  return { markdown, svg: panelsOf(`${minutes} minutes at two thirds of the most load`, panels, minutes), isFlat };
}

function inWords(wrong: Wrong): string {
  const kinds = Object.entries(wrong).map(([answer, count]) => `${count} of ${answer}`);
  return kinds.length === 0 ? "none" : kinds.join(", ");
}

/** Medians of equal parts of the run. */
function rowsOf(samples: readonly Sample[], minutes: number): string[] {
  const count = Math.min(ROWS, samples.length);
  return Array.from({ length: count }, (_, at) => {
    const part = samples.slice(
      Math.floor((at * samples.length) / count),
      Math.floor(((at + 1) * samples.length) / count),
    );
    const median = (of: (sample: Sample) => number) => medianOf(part.map(of));
    const cells = [median(({ perSecond }) => perSecond).toFixed(0), ...SERIES.map(({ of }) => median(of).toFixed(2))];
    return `| ${(((at + 1) * minutes) / count).toFixed(1)} | ${cells.join(" | ")} |`;
  });
}
