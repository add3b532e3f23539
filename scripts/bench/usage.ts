import { readFileSync } from "node:fs";

export type Usage = {
  /** Processor time until now, in microseconds. */
  cpu: number;
  /** That of the main threads, which have the event loops. */
  mainThread: number;
  /** In bytes. */
  memory: number;
};

/** What a process and its children have used. */
export function usageOf(pid: number): Usage {
  const [all, main] = [readStat(`/proc/${pid}/stat`), readStat(`/proc/${pid}/task/${pid}/stat`)];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return children
    .map((child) => usageOf(Number(child)))
    .reduce(
      (sum, child) => ({
        cpu: sum.cpu + child.cpu,
        mainThread: sum.mainThread + child.mainThread,
        memory: sum.memory + child.memory,
      }),
      { ...all, mainThread: main.cpu },
    );
}

function readStat(file: string): { cpu: number; memory: number } {
  const [, fields = ""] = readFileSync(file, "utf8").split(") ");
  const [user = 0, system = 0, resident = 0] = [11, 12, 21].map((at) => Number(fields.split(" ")[at]));
  return { cpu: (user + system) * 10_000, memory: resident * 4096 };
}
