import { setTimeout as sleep } from "node:timers/promises";
import { createBackoff } from "../../async/backoff.ts";
import type { Milliseconds } from "../../time.ts";
import type { Service } from "./http-client.ts";
import { ExchangeError } from "./issuer-error.ts";

/** A connection that was of use for as long (in milliseconds) is followed by another one soon. */
const HEALTHY_AFTER_MS: Milliseconds = 1000;

export type RetryLoop = {
  /** Why the latest attempt failed, or `undefined` where what was learned last is all there is. */
  failure(): Error | undefined;
  /** Something was learned. */
  succeeded(): void;
};

/** How many milliseconds to wait before the next attempt, and whether the process is to live for it. */
type Pause = { wait: number; ref: boolean };

/**
 * Tries to learn from a service again and again until the verifier is closed: nothing that the service
 * does or fails to do ends the attempts. An attempt that resolves says when the next one is due.
 */
export function retryForever({ closing }: Pick<Service, "closing">, attempt: (learning: RetryLoop) => Promise<Pause>) {
  const backoff = createBackoff();
  let failure: Error | undefined;
  let succeededAt = Number.POSITIVE_INFINITY;
  const learning: RetryLoop = {
    failure: () => failure,
    succeeded() {
      failure = undefined;
      succeededAt = Math.min(succeededAt, performance.now());
    },
  };

  async function attemptOnce(): Promise<Pause> {
    succeededAt = Number.POSITIVE_INFINITY;
    try {
      return await attempt(learning);
    } catch (error) {
      failure = error instanceof Error ? error : new Error("The attempt failed", { cause: error });
      if (performance.now() - succeededAt >= HEALTHY_AFTER_MS) backoff.reset();
      const retryAfter = error instanceof ExchangeError ? error.retryAfter : undefined;
      return { wait: backoff.next(retryAfter), ref: true };
    }
  }

  async function run(): Promise<void> {
    while (!closing.aborted) {
      const { wait, ref } = await attemptOnce();
      await sleep(wait, undefined, { signal: closing, ref }).catch(() => {});
    }
  }

  void run();
  return learning;
}
