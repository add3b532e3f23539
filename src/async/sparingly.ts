/** How long to wait before asking for keys again, in milliseconds: anybody can send a token with a new `kid`. */
const INTERVAL = 1000;

/** Does some work once for all who ask for it meanwhile, and begins it at most once a second. Never rejects. */
export function sparingly(work: () => Promise<void>): () => Promise<void> {
  let began = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  return () => {
    if (running !== undefined) return running;
    if (performance.now() - began < INTERVAL) return Promise.resolve();
    began = performance.now();
    running = work()
      .catch(() => {})
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}
