type Stop = (signal: NodeJS.Signals) => void;

let stop: Stop | undefined;

/**
 * Sets what is done from now on when this process is told to stop, in place of what was set before. To be called as early as
 * can be: from the first process of a container (PID 1) the kernel keeps every signal that it does not handle.
 */
export function onStop(handler: Stop): void {
  if (stop === undefined) for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop?.(signal));
  stop = handler;
}
