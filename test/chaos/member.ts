import { setTimeout as sleep } from "node:timers/promises";
import { startBadNetwork } from "../support/bad-network.ts";
import { freePort, startServer } from "../support/process.ts";
import { childrenOf } from "../support/process-tree.ts";
import type { Random } from "../support/random.ts";
import { createFakeClock } from "./fake-clock.ts";
import type { Ledger } from "./ledger.ts";

/** Milliseconds for workers to end after their first process was killed. */
const GRACE = 10_000;

/** Attempts to start: a busy machine may connect to its database too late. */
const STARTS = 20;

export type Member = Awaited<ReturnType<typeof startMember>>;

export type MemberOptions = { environment: Record<string, string>; ledger: Ledger; random: Random };

/** Starts a server with a clock that can be set, behind a bad network for its followers. */
export async function startMember({ environment, ledger, random }: MemberOptions) {
  const clock = createFakeClock();
  const PORT = await freePort();
  let variables = environment;
  const start = () => startServer({ MINTMARK_LOG_LEVEL: "error", PORT, ...clock.environment, ...variables });
  let isMeantToEnd = false;
  let server = await start();
  watchEnd();
  const network = await startBadNetwork(new URL(server.origin), random.part);
  const killOnExit = () => {
    for (const pid of pids()) signal(pid, "SIGKILL");
  };
  // An interrupted run must leave no process behind.
  process.once("exit", killOnExit);

  function watchEnd(): void {
    const { ended } = server;
    ended.then(({ code, stderr }) => {
      if (!isMeantToEnd) ledger.breach(`a server ended by itself (${code}): ${stderr.slice(-500)}`);
    });
  }
  const children = () => childrenOf(server.pid);
  const pids = () => [...(server.pid === undefined ? [] : [server.pid]), ...children()];

  return {
    origin: server.origin,
    clock,
    network,
    /** Its workers. */
    children,
    /** All processes, the first one at the front. */
    pids,
    /** Kills the first process, whose workers must then end, and resolves when it has ended. */
    async kill(): Promise<void> {
      isMeantToEnd = true;
      const all = pids();
      if (server.pid !== undefined) signal(server.pid, "SIGKILL");
      await server.ended;
      void expectGone(all, ledger);
    },
    /** Kills these processes at once, the first one among them: to list them would take milliseconds. */
    async killAll(victims: readonly number[]): Promise<void> {
      isMeantToEnd = true;
      for (const pid of victims) signal(pid, "SIGKILL");
      await server.ended;
    },
    /** Sets variables for the next start. */
    change(other: Record<string, string>): void {
      variables = { ...environment, ...other };
    },
    /** Starts it again, with retries, as a supervisor does. */
    async start(): Promise<void> {
      server = await persistently(start);
      isMeantToEnd = false;
      watchEnd();
    },
    async [Symbol.asyncDispose]() {
      isMeantToEnd = true;
      process.off("exit", killOnExit);
      await server.stop("SIGTERM");
      network[Symbol.dispose]();
      clock[Symbol.dispose]();
    },
  };
}

async function persistently<Started>(start: () => Promise<Started>): Promise<Started> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await start();
    } catch (error) {
      if (failures === STARTS) throw error;
      await sleep(500);
    }
  }
}

/** Does nothing if the process has ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Workers that outlive their first process would hold its port and database. */
async function expectGone(pids: readonly number[], ledger: Ledger): Promise<void> {
  const deadline = performance.now() + GRACE;
  while (pids.some(isThere)) {
    if (performance.now() > deadline) return ledger.breach("workers have outlived their first process");
    await sleep(50);
  }
}
