import { sleep } from "../../async/background-timer.ts";
import { createBackoff } from "../../async/backoff.ts";
import type { Milliseconds } from "../../time.ts";
import type { Service } from "./http-client.ts";
import { IssuerError } from "./issuer-error.ts";

/** A connection that was useful for this long resets the backoff. */
const HEALTHY_AFTER_MS: Milliseconds = 1000;

export type RetryLoop = {
  /** The error of the latest attempt, or `undefined` after a success. */
  failure(): Error | undefined;
  /** Records a success of the current attempt. */
  succeeded(): void;
};

/** The time until the next attempt. `ref`: whether the timer keeps the process alive. */
type Pause = { waitMs: Milliseconds; ref: boolean };

/** Repeats an attempt until the verifier is closed. A failed one is repeated after a backoff. */
export function retryForever(
  { closing }: Pick<Service, "closing">,
  attempt: (loop: RetryLoop) => Promise<Pause>,
): RetryLoop {
  const backoff = createBackoff();
  let failure: Error | undefined;
  let succeededAt = Number.POSITIVE_INFINITY;
  const loop: RetryLoop = {
    failure: () => failure,
    succeeded() {
      failure = undefined;
      succeededAt = Math.min(succeededAt, performance.now());
    },
  };

  async function attemptOnce(): Promise<Pause> {
    succeededAt = Number.POSITIVE_INFINITY;
    try {
      return await attempt(loop);
    } catch (error) {
      failure = error instanceof Error ? error : new Error("The attempt failed", { cause: error });
      if (performance.now() - succeededAt >= HEALTHY_AFTER_MS) backoff.reset();
      const retryAfter = error instanceof IssuerError ? error.retryAfter : undefined;
      return { waitMs: backoff.next(retryAfter), ref: true };
    }
  }

  async function run(): Promise<void> {
    while (!closing.aborted) {
      const { waitMs, ref } = await attemptOnce();
      await sleep(waitMs, { signal: closing, ref });
    }
  }

  void run();
  return loop;
}
