import { StartError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Milliseconds } from "../time.ts";

/** Longest time for one part of a diagnosis. */
export const LIMIT_MS: Milliseconds = 5000;

/**
 * Waits for work, and rejects with a {@link StartError} after `limitMs`, which names `subject`. Does not cancel the work.
 */
export async function withinLimit<Outcome>(
  work: Promise<Outcome>,
  { subject, limitMs = LIMIT_MS }: { subject: string; limitMs?: Milliseconds },
): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${subject} gives no answer within ${limitMs / 1000} s: check that it runs, and the network`;
    timer = setTimeout(() => reject(new StartError(message)), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Longest wait for the close of a database. */
const CLOSE_LIMIT_MS: Milliseconds = 1000;

/** Closes a database that may still be opening. Never rejects, and waits for at most a second. */
export async function closeSoon(opening: Promise<Store | undefined>): Promise<void> {
  const closing = opening.then((store) => store?.close());
  await withinLimit(closing, { subject: "The database", limitMs: CLOSE_LIMIT_MS }).catch(() => {});
}

/** Ends the process soon after its work: a connection that gets no answer would keep it for long. */
export function exitWhenDone(): void {
  setTimeout(() => process.exit(), CLOSE_LIMIT_MS).unref();
}
