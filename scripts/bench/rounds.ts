import type { Running } from "./contenders.ts";
import type { LoadPlan, LoadReport } from "./load.ts";
import { progress, quantile, type Report, runChild } from "./support.ts";
import { usageOf } from "./usage.ts";

/** A contender and the requests that it receives. */
export type Entry = { name: string; running: Running; requests: LoadPlan["requests"]; perRequest?: number };

/** Medians over the rounds, per contender. */
export type Row = {
  name: string;
  /** Tokens a second. */
  perSecond: number;
  /** Processor time of the server for a request, in microseconds. */
  cpu: number;
  /** Of it, that of the thread with the event loop. */
  mainThread?: number;
  p50: number;
  p99: number;
  memory: number;
};

const CONNECTIONS = 32;
/** Seconds of each round that do not count: after ten idle seconds, a server takes half as long again for each request at first. */
const WARMUP = 1;

/** Loads contenders in rounds and returns the medians of all rounds but the first, which warms them up. */
export async function measureRounds(entries: readonly Entry[], { rounds = 5, seconds = 1.5 } = {}): Promise<Row[]> {
  const measured = new Map(entries.map(({ name }) => [name, [] as Row[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const entry of entries) {
      const row = await loadOnce(entry, round === 0 ? 2 * seconds : seconds);
      if (round > 0) measured.get(entry.name)?.push(row);
    }
    progress(round === 0 ? "warm" : `round ${round} of ${rounds}`);
  }
  return [...measured].map(([name, rows]) => {
    const median = (of: (row: Row) => number) => quantile(rows.map(of), 0.5);
    return {
      name,
      perSecond: median((row) => row.perSecond),
      cpu: median((row) => row.cpu),
      mainThread: median((row) => row.mainThread ?? row.cpu),
      p50: median((row) => row.p50),
      p99: median((row) => row.p99),
      memory: median((row) => row.memory),
    };
  });
}

async function loadOnce({ name, running, requests, perRequest = 1 }: Entry, seconds: number): Promise<Row> {
  const { port, pid } = running;
  let before = usageOf(pid);
  const plan = { port, connections: CONNECTIONS, seconds: WARMUP + seconds, warmup: WARMUP, requests };
  const report = await load(plan, () => {
    before = usageOf(pid);
  });
  const { cpu, mainThread, memory } = usageOf(pid);
  const { answered, p50, p99 } = report;
  const perSecond = (answered * perRequest) / report.seconds;
  const each = (now: number, then: number) => (now - then) / answered;
  return {
    name,
    perSecond,
    ...{ cpu: each(cpu, before.cpu), mainThread: each(mainThread, before.mainThread) },
    ...{ p50, p99, memory },
  };
}

/**
 * Latencies at a rate, by turns: those of a constant answer beside them are what the machine adds. In its first seconds, the
 * load compiles its own code, which takes milliseconds at a time.
 */
export async function measureAtRate(entries: readonly Entry[], rate: number): Promise<Report> {
  const measured = entries.map(({ name }) => ({ name, reports: [] as LoadReport[] }));
  for (let round = 0; round < 3; round += 1) {
    for (const [at, { running, requests }] of entries.entries()) {
      const plan = { port: running.port, connections: CONNECTIONS, requests, seconds: 10, warmup: 6, rate };
      measured[at]?.reports.push(await load(plan));
    }
  }
  return Object.fromEntries(
    measured.map(({ name, reports }) => {
      const median = (of: (report: LoadReport) => number) => quantile(reports.map(of), 0.5);
      const [p50, p99] = [median((report) => report.p50), median((report) => report.p99)];
      const perSecond = median(({ answered, seconds }) => answered / seconds);
      return [
        `${name}, at half of the most`,
        `p50 ${p50.toFixed(2)} ms · p99 ${p99.toFixed(2)} ms · ${Math.round(perSecond)} a second`,
      ];
    }),
  );
}

/** Runs a load, and calls back when its warm-up ends. */
export async function load(plan: LoadPlan, onWarm: () => void = () => {}): Promise<LoadReport> {
  const messages = await runChild<LoadReport | string>("load.ts", plan, (message) => {
    if (typeof message === "string") onWarm();
  });
  const report = messages.find((message) => typeof message !== "string");
  if (report === undefined) throw new Error("the load reported nothing");
  return report;
}
