import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { LOAD_CORE, type Running } from "./contenders.ts";
import type { LoadPlan, LoadReport } from "./load.ts";
import { progress, quantile } from "./support.ts";
import { usageOf } from "./usage.ts";

/** One contender with what it is asked for. */
export type Entry = { name: string; running: Running; requests: readonly string[]; perRequest?: number };

/** Medians over the rounds, per contender. */
export type Row = {
  name: string;
  /** Answers, or tokens where a request carries many, in a second. */
  perSecond: number;
  /** Microseconds of the server's processor for each request. */
  cpu: number;
  p50: number;
  p99: number;
  memory: number;
};

const CONNECTIONS = 32;

/** Loads contenders in turns, several times, and gives the medians. The first round only warms them. */
export async function takeTurns(entries: readonly Entry[], { rounds = 5, seconds = 1.5 } = {}): Promise<Row[]> {
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
      p50: median((row) => row.p50),
      p99: median((row) => row.p99),
      memory: median((row) => row.memory),
    };
  });
}

async function loadOnce({ name, running, requests, perRequest = 1 }: Entry, seconds: number): Promise<Row> {
  const { port, pid } = running;
  const before = usageOf(pid).cpu;
  const {
    answered,
    seconds: took,
    p50,
    p99,
  } = await load({ port, connections: CONNECTIONS, seconds, requests, status: 200 });
  const { cpu, memory } = usageOf(pid);
  return { name, perSecond: (answered * perRequest) / took, cpu: (cpu - before) / answered, p50, p99, memory };
}

/** Runs a plan in a process of its own, on the processor for it. */
export async function load(plan: LoadPlan): Promise<LoadReport> {
  const child = fork(join(import.meta.dirname, "load.ts"), ["--plan"], { execArgv: ["--import", "tsx"] });
  execFileSync("taskset", ["-acp", LOAD_CORE, String(child.pid)], { stdio: "ignore" });
  child.send(plan);
  const [report] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error("the load could not be run"))),
  ]);
  return report as LoadReport;
}
