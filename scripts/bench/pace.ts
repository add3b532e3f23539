import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

export type Pace = {
  connections: number;
  seconds: number;
  /** Requests a second, of all connections together. Default: as many as are answered. */
  rate?: number;
};

/**
 * Sends requests for some seconds, each connection one after the other, and records the latency of each in milliseconds.
 * At a rate, latency counts from when the request was due: a late response makes the next one late, too.
 */
export async function runPaced(
  { connections, seconds, rate }: Pace,
  open: (at: number) => Promise<{ send: () => Promise<void>; end: () => void }>,
  record: (latency: number) => void,
): Promise<void> {
  const all = await Promise.all(Array.from({ length: connections }, (_, at) => open(at)));
  const start = performance.now();
  const end = start + seconds * 1000;
  const interval = rate === undefined ? 0 : (connections * 1000) / rate;
  await Promise.all(
    all.map(async (connection, at) => {
      let due = start + (interval * at) / connections;
      while (performance.now() < end) {
        if (interval > 0) await until(due);
        const sentAt = interval > 0 ? due : performance.now();
        due += interval;
        await connection.send();
        record(performance.now() - sentAt);
      }
      connection.end();
    }),
  );
}

/** A timer fires up to a millisecond late, so the last two are waited for by turns of the event loop. */
async function until(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > 2) await sleep(wait - 2);
  while (performance.now() < due) await nextTurn();
}
