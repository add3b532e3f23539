import type { Milliseconds } from "../../time.ts";
import { IssuerError } from "./issuer-error.ts";

/** Aborts an exchange with the service when it takes too long, or when the verifier is closed. */
export type Deadline = {
  readonly signal: AbortSignal;
  /** Restarts the timer. */
  extend(ms: Milliseconds): void;
  /** Aborts the exchange if it is unfinished. */
  end(): void;
};

/** Not by `AbortSignal.any`, which leaks where one of the signals lives long (nodejs/node#54614). */
export function createDeadline(closing: AbortSignal): Deadline {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function end(): void {
    clearTimeout(timer);
    closing.removeEventListener("abort", end);
    controller.abort();
  }

  if (closing.aborted) controller.abort();
  else closing.addEventListener("abort", end);
  return {
    signal: controller.signal,
    extend(ms) {
      clearTimeout(timer);
      if (controller.signal.aborted) return;
      timer = setTimeout(() => controller.abort(new IssuerError(`Received nothing for ${ms / 1000} s`)), ms);
    },
    end,
  };
}
