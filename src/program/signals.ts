type Stop = (signal: NodeJS.Signals) => void;

let stop: Stop | undefined;

/**
 * Sets the handler of SIGTERM and SIGINT, and replaces an earlier one. Call it first: the kernel sends PID 1 of a container
 * no signal without a handler.
 */
export function onStop(handler: Stop): void {
  if (stop === undefined) for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop?.(signal));
  stop = handler;
}
