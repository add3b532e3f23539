import type { Milliseconds } from "../time.ts";

export type Timer = ReturnType<typeof setTimeout>;

/** Sets a timer that does not keep the process alive. Outside of Node, Bun and Deno no timer does. */
export function setBackgroundTimeout(callback: () => void, ms: Milliseconds): Timer {
  const timer = setTimeout(callback, ms);
  if (typeof timer === "object") timer.unref();
  return timer;
}

/** Resolves after a time, or when the signal aborts. `ref`: whether it keeps the process alive. */
export function sleep(ms: Milliseconds, { signal, ref }: { signal: AbortSignal; ref: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    const timer = ref ? setTimeout(end, ms) : setBackgroundTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
