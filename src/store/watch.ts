import type { Milliseconds } from "../time.ts";

/** Poll interval for changes by other processes: a notification may be lost. */
const POLL_MS: Milliseconds = 1000;

/** Creates the `watch` of a store. `listen` calls back on each notification and returns the function that ends it. */
export function createWatch(listen?: (onChange: () => void) => () => void) {
  const ends = new Set<() => void>();
  return {
    watch(onChange: () => void) {
      const timer = setInterval(onChange, POLL_MS).unref();
      const unlisten = listen?.(onChange);
      const end = () => {
        ends.delete(end);
        clearInterval(timer);
        unlisten?.();
      };
      ends.add(end);
      return end;
    },
    unwatchAll() {
      for (const end of ends) end();
    },
  };
}
