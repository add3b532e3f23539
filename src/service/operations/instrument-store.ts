import { MintmarkError } from "../../errors.ts";
import { isDamage } from "../../store/outage.ts";
import type { Store } from "../../store/store.ts";
import type { Milliseconds } from "../../time.ts";
import { CLIENT_SPAN, inSpan, type Tracer } from "./tracer.ts";

/** Upper bounds of the spans of time that are told apart, in seconds. Beyond the last a request is refused. */
export const TIME_BOUNDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2] as const;

/** How long something took, each time. */
export type Timing = {
  /** How often it took as long as each of {@link TIME_BOUNDS} and longer than the one before, and last of all longer. */
  counts: number[];
  /** Seconds of all times together. */
  sum: number;
  failures: number;
};

/**
 * How the last write went, and when it ended: milliseconds of a steady clock. `damage` is the first failure, also of a
 * read, that said that the database file is damaged: what still works may not be what was stored.
 */
export type LastWrite = { hasFailed: boolean; at: Milliseconds; damage?: MintmarkError };

/** Verbs that change nothing. All others write. */
const READS: readonly string[] = [
  "listKeys",
  "findClient",
  "listClients",
  "position",
  "listRevocations",
  "findGrant",
  "listAudit",
  "readCounts",
] satisfies (keyof Store)[];

type InstrumentedStore = { store: Store; timings: Map<string, Timing>; lastWrite: () => LastWrite };

type Call = (...parameters: never[]) => Promise<unknown>;

/** Times every verb of a store, notes how the last write went, and makes a span of each call where there is a tracer. */
export function instrumentStore(store: Store, tracer: Tracer | undefined): InstrumentedStore {
  const { watch, close, system, shared, ...verbs } = store;
  const timings = new Map<string, Timing>();
  let lastWrite: LastWrite = { hasFailed: false, at: Number.NEGATIVE_INFINITY };

  function timed(verb: string, call: Call): Call {
    const isWrite = !READS.includes(verb);
    return async (...parameters) => {
      const start = performance.now();
      let failures = 1;
      try {
        const outcome = await call(...parameters);
        failures = 0;
        if (isWrite) lastWrite = { ...lastWrite, hasFailed: false, at: performance.now() };
        return outcome;
      } catch (error) {
        if (isWrite && isFailure(error)) lastWrite = { ...lastWrite, hasFailed: true, at: performance.now() };
        if (error instanceof MintmarkError && isDamage(error.cause)) lastWrite = { damage: error, ...lastWrite };
        throw error;
      } finally {
        recordTime(timingOf(timings, verb), { seconds: (performance.now() - start) / 1000, failures });
      }
    };
  }

  function traced(verb: string, call: Call): Call {
    if (tracer === undefined) return call;
    const attributes = { "db.system.name": system, "db.operation.name": verb };
    const span = { name: verb, kind: CLIENT_SPAN, attributes };
    return (...parameters) => inSpan(tracer, span, () => call(...parameters));
  }

  const observed = Object.entries(verbs).map(([verb, call]) => [verb, traced(verb, timed(verb, call))]);
  const verbsAgain = Object.fromEntries(observed);
  return { store: { watch, close, system, shared, ...verbsAgain }, timings, lastWrite: () => lastWrite };
}

/** Whether the store failed, and did not refuse. */
function isFailure(error: unknown): boolean {
  return !(error instanceof MintmarkError) || error.reason === "unavailable" || error.reason === "internal_error";
}

function timingOf(timings: Map<string, Timing>, verb: string): Timing {
  const known = timings.get(verb);
  if (known !== undefined) return known;
  const timing = { counts: Array<number>(TIME_BOUNDS.length + 1).fill(0), sum: 0, failures: 0 };
  timings.set(verb, timing);
  return timing;
}

function recordTime(timing: Timing, { seconds, failures }: { seconds: number; failures: number }): void {
  const within = TIME_BOUNDS.findIndex((bound) => seconds <= bound);
  const at = within < 0 ? TIME_BOUNDS.length : within;
  timing.counts[at] = (timing.counts[at] ?? 0) + 1;
  timing.sum += seconds;
  timing.failures += failures;
}
