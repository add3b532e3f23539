import { sleep } from "../../async/background-timer.ts";
import { createBackoff } from "../../async/backoff.ts";
import type { Milliseconds } from "../../time.ts";
import type { Service } from "./http-client.ts";
import { IssuerError } from "./issuer-error.ts";

/** A connection that was useful for this long resets the backoff. */
const HEALTHY_AFTER_MS: Milliseconds = 1000;

/** How late a timer may be. Later, the platform has ended the loop. */
const LATE_MS: Milliseconds = 3000;

export type RetryLoop = {
  /** The error of the latest attempt, or `undefined` after a success. */
  failure(): Error | undefined;
  /** Records a success of the current attempt. */
  succeeded(): void;
  /** Records that the current attempt goes on. */
  alive(): void;
  /**
   * Starts again if the platform has ended the loop: workers end timers and connections with the request that began them,
   * and allow none while a module loads. Resolves after the first success or failure.
   */
  revive(): Promise<void>;
};

/** The time until the next attempt. `ref`: whether the timer keeps the process alive. */
type Pause = { waitMs: Milliseconds; ref: boolean };

type LoopOptions = Pick<Service, "closing"> & {
  /** Longest time in which an attempt neither ends nor calls `alive`. */
  silenceMs: Milliseconds;
};

/** Aborted when the verifier is closed, or when the loop starts again. */
type Attempt = (loop: RetryLoop, signal: AbortSignal) => Promise<Pause>;

/** Repeats an attempt until the verifier is closed. A failed one is repeated after a backoff. */
export function retryForever({ closing, silenceMs }: LoopOptions, attempt: Attempt): RetryLoop {
  const backoff = createBackoff();
  let failure: Error | undefined;
  let succeededAt = Number.POSITIVE_INFINITY;
  let run = new AbortController();
  let dueAt = Number.POSITIVE_INFINITY;
  let revival = Promise.resolve();
  let resolveRevival = () => {};

  const expectWithin = (ms: Milliseconds) => {
    dueAt = performance.now() + ms + LATE_MS;
  };
  const fail = (error: unknown) => {
    failure = error instanceof Error ? error : new Error("The attempt failed", { cause: error });
    resolveRevival();
  };

  const loop: RetryLoop = {
    failure: () => failure,
    succeeded() {
      failure = undefined;
      succeededAt = Math.min(succeededAt, performance.now());
      resolveRevival();
    },
    alive: () => expectWithin(silenceMs),
    revive() {
      if (closing.aborted || performance.now() <= dueAt) return revival;
      run.abort();
      resolveRevival();
      run = new AbortController();
      revival = new Promise((resolve) => {
        resolveRevival = resolve;
      });
      start(run.signal);
      return revival;
    },
  };

  async function attemptOnce(signal: AbortSignal): Promise<Pause> {
    succeededAt = Number.POSITIVE_INFINITY;
    loop.alive();
    try {
      return await attempt(loop, signal);
    } catch (error) {
      if (!signal.aborted) fail(error);
      if (performance.now() - succeededAt >= HEALTHY_AFTER_MS) backoff.reset();
      const retryAfter = error instanceof IssuerError ? error.retryAfter : undefined;
      return { waitMs: backoff.next(retryAfter), ref: true };
    }
  }

  async function repeat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { waitMs, ref } = await attemptOnce(signal);
      if (signal.aborted) return;
      expectWithin(waitMs);
      await sleep(waitMs, { signal, ref });
    }
  }

  function start(signal: AbortSignal): void {
    repeat(signal).catch((error) => {
      fail(error);
      dueAt = Number.NEGATIVE_INFINITY;
    });
  }

  closing.addEventListener("abort", () => {
    run.abort();
    resolveRevival();
  });
  start(run.signal);
  return loop;
}
