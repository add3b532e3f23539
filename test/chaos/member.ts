import { setTimeout as sleep } from "node:timers/promises";
import { startBadNetwork } from "../support/bad-network.ts";
import { freePort, startServer } from "../support/process.ts";
import { childrenOf } from "../support/process-tree.ts";
import type { Random } from "../support/random.ts";
import { createFakeClock } from "./fake-clock.ts";
import type { Ledger } from "./ledger.ts";

/** Milliseconds for processes to be gone when the first one was killed. */
const FAREWELL = 10_000;

/** Attempts to start. A machine that is very busy does not connect to a database in time. */
const STARTS = 20;

export type Member = Awaited<ReturnType<typeof startMember>>;

export type MemberOptions = { environment: Record<string, string>; ledger: Ledger; random: Random };

/** Starts a server whose processes may be killed, whose clock may be set, and whose followers come by a bad network. */
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
  // Also where the run is broken off.
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
    /** Processes that serve in the name of the first one. */
    children,
    /** All processes, the first one first. */
    pids,
    /** Kills the first process, which must be the end of all, and resolves when it has ended. */
    async kill(): Promise<void> {
      isMeantToEnd = true;
      const all = pids();
      if (server.pid !== undefined) signal(server.pid, "SIGKILL");
      await server.ended;
      void expectGone(all, ledger);
    },
    /** Kills these at once, the first process among them, without looking for it first: it takes milliseconds. */
    async killAll(victims: readonly number[]): Promise<void> {
      isMeantToEnd = true;
      for (const pid of victims) signal(pid, "SIGKILL");
      await server.ended;
    },
    /** Lets the next start have other variables than the first. */
    change(other: Record<string, string>): void {
      variables = { ...environment, ...other };
    },
    /** Starts it again, as often as it takes, as whatever supervises a server does. */
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

/** A process that has ended meanwhile needs no signal. */
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

/** Workers that outlive their first process would hold what the next one needs. */
async function expectGone(pids: readonly number[], ledger: Ledger): Promise<void> {
  const deadline = performance.now() + FAREWELL;
  while (pids.some(isThere)) {
    if (performance.now() > deadline) return ledger.breach("workers have outlived their first process");
    await sleep(50);
  }
}
