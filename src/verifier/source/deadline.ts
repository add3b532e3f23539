import { ExchangeError } from "./issuer-error.ts";

/** Ends an exchange with a service that takes too long, or whose verifier is closed. */
export type Deadline = {
  readonly signal: AbortSignal;
  /** Counts anew from now. */
  extend(milliseconds: number): void;
  /** Ends the exchange, also where it is still under way. */
  end(): void;
};

/** `AbortSignal.any` would do, but leaks where one of the signals lives long (nodejs/node#54614). */
export function createDeadline(closing: AbortSignal): Deadline {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  function end(): void {
    clearTimeout(timer);
    closing.removeEventListener("abort", end);
    controller.abort();
  }

  if (closing.aborted) controller.abort();
  else closing.addEventListener("abort", end);
  return {
    signal: controller.signal,
    extend(milliseconds) {
      clearTimeout(timer);
      if (controller.signal.aborted) return;
      timer = setTimeout(
        () => controller.abort(new ExchangeError(`Nothing was heard for ${milliseconds / 1000} s`)),
        milliseconds,
      );
    },
    end,
  };
}
