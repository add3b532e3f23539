import { MintmarkError } from "../../errors.ts";
import { isDamage } from "../../store/outage.ts";
import type { Store } from "../../store/store.ts";
import type { Milliseconds } from "../../time.ts";
import { CLIENT_SPAN, inSpan, type Tracer } from "./tracer.ts";

/** Upper bounds of the histogram, in seconds. Requests are refused after the last. */
export const TIME_BOUNDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2] as const;

/** A histogram of durations. */
export type Timing = {
  /** Number of calls by the first of {@link TIME_BOUNDS} that is not less than their duration. The last is for longer ones. */
  counts: number[];
  /** Total in seconds. */
  sum: number;
  failures: number;
};

/**
 * Outcome and end of the last write, in milliseconds of a monotonic clock. `damage` is the first error, also of a read, that
 * reported a damaged database file: later successes may return wrong data.
 */
export type LastWrite = { hasFailed: boolean; at: Milliseconds; damage?: MintmarkError };

/** Methods that read. All others write. */
const READS: readonly string[] = [
  "listKeys",
  "findClient",
  "listClients",
  "position",
  "listRevocations",
  "findGrant",
  "listAudit",
  "findTokenRecords",
  "findRevocations",
  "findGrantBySid",
  "listGrants",
  "readCounts",
  "listResources",
  "findResources",
  "findSignIn",
  "findSignInBySid",
  "listSignIns",
  "findAuthorizationRequest",
  "findCode",
  "findConsents",
  "listConsents",
  "findGrantIds",
  "findDeviceRequest",
  // Asked often, and mostly nothing is due: then it shows nothing about writes.
  "takeLogouts",
] satisfies (keyof Store)[];

type InstrumentedStore = { store: Store; timings: Map<string, Timing>; lastWrite: () => LastWrite };

type Call = (...parameters: never[]) => Promise<unknown>;

/**
 * Measures every method of a store, records the outcome of the last write, and creates a span for each call if there is a
 * tracer. Separate from the mapping of errors in `store/sql/driver.ts`: the store is opened without a service and without
 * its tracer, and the command uses it so.
 */
export function instrumentStore(store: Store, tracer: Tracer | undefined): InstrumentedStore {
  const { watch, close, system, shared, ...verbs } = store;
  const timings = new Map<string, Timing>();
  let lastWrite: LastWrite = { hasFailed: false, at: Number.NEGATIVE_INFINITY };

  function instrument(verb: string, call: Call): Call {
    const isWrite = !READS.includes(verb);
    const timed: Call = async (...parameters) => {
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
    if (tracer === undefined) return timed;
    const attributes = { "db.system.name": system, "db.operation.name": verb };
    const span = { name: verb, kind: CLIENT_SPAN, attributes };
    return (...parameters) => inSpan(tracer, span, () => timed(...parameters));
  }

  const instrumented = Object.fromEntries(Object.entries(verbs).map(([verb, call]) => [verb, instrument(verb, call)]));
  return { store: { watch, close, system, shared, ...instrumented } as Store, timings, lastWrite: () => lastWrite };
}

/** Whether the store failed, as opposed to refusing a change. */
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
