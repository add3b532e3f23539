import { setTimeout as sleep } from "node:timers/promises";
import type { Milliseconds } from "../../time.ts";
import { errorCode } from "./data-directory.ts";

/** Backoff between attempts. Other processes mostly hold the lock for the duration of a commit. */
const FIRST_WAIT_MS: Milliseconds = 1;
const MAX_WAIT_MS: Milliseconds = 50;

/** Whether another connection held a lock. */
export function isBusy(cause: unknown): boolean {
  return errorCode(cause).startsWith("SQLITE_BUSY");
}

/**
 * Retries work while another process holds the lock, for at most `limitMs`. The connection is free between attempts. The
 * work must be a single statement or transaction.
 */
export async function whileBusy<Outcome>(work: () => Promise<Outcome>, limitMs: Milliseconds): Promise<Outcome> {
  const until = performance.now() + limitMs;
  for (let wait: Milliseconds = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MAX_WAIT_MS)) {
    try {
      return await work();
    } catch (cause) {
      if (!isBusy(cause) || performance.now() + wait > until) throw cause;
    }
    await sleep(wait);
  }
}
