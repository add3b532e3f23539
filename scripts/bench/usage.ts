import { readFileSync } from "node:fs";

/** Processor time of a process and its children until now, in microseconds, and their memory in bytes. */
export function usageOf(pid: number): { cpu: number; memory: number } {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user = 0, system = 0, resident = 0] = [11, 12, 21].map((at) => Number(fields.split(" ")[at]));
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return children
    .map((child) => usageOf(Number(child)))
    .reduce((sum, { cpu, memory }) => ({ cpu: sum.cpu + cpu, memory: sum.memory + memory }), {
      cpu: (user + system) * 10_000,
      memory: resident * 4096,
    });
}
