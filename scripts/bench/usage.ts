import { readFileSync } from "node:fs";

type Usage = { cpu: number; memory: number };

/** Processor time of a process and its children until now, in microseconds, and their memory in bytes. */
export function usageOf(pid: number): Usage {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user = 0, system = 0, resident = 0] = [11, 12, 21].map((at) => Number(fields.split(" ")[at]));
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return children
    .map((child) => usageUnlessEnded(Number(child)))
    .reduce((sum, { cpu, memory }) => ({ cpu: sum.cpu + cpu, memory: sum.memory + memory }), {
      cpu: (user + system) * 10_000,
      memory: resident * 4096,
    });
}

/** A child may end after it was listed, such as the process of a connection to PostgreSQL. */
function usageUnlessEnded(pid: number): Usage {
  try {
    return usageOf(pid);
  } catch {
    return { cpu: 0, memory: 0 };
  }
}
