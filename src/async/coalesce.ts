/**
 * Makes work that is asked for at any time run one at a time. All who ask before it begins share one
 * run, so each gets the outcome of a run that began after they asked; a failure reaches those of its run only.
 * With `interval`, a run begins that many milliseconds after the one before it, at the earliest.
 */
export function coalesce<Outcome>(work: () => Promise<Outcome>, interval = 0): () => Promise<Outcome> {
  let next: Promise<Outcome> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let began = Number.NEGATIVE_INFINITY;

  async function runNext(): Promise<Outcome> {
    await last.catch(() => {});
    const early = began + interval - performance.now();
    // Even where nothing is under way, whoever else is about to ask may join.
    await new Promise((resolve) => (early > 0 ? setTimeout(resolve, early) : setImmediate(resolve)));
    next = undefined;
    began = performance.now();
    const run = work();
    last = run;
    return run;
  }

  return () => {
    next ??= runNext();
    return next;
  };
}
