import type { MonotonicClock } from "../../async/monotonic-clock.ts";
import { MintmarkError } from "../../errors.ts";
import type { Seconds } from "../../time.ts";

/**
 * connecting: nothing is known yet. live: what is known is new enough. stale: it is too old to say whether
 * a token still counts. closed: for good.
 */
export type VerifierState = "connecting" | "live" | "stale" | "closed";

export type Freshness = {
  readonly state: VerifierState;
  /** How old what is known is. Infinite while nothing is. */
  readonly age: Seconds;
  /** Resolves when it is live for the first time; rejects where it is closed before, or while the service refuses it. */
  readonly ready: Promise<void>;
  /** Calls back after every change of state, until the verb that it gives is called. */
  onStateChange(listener: (state: VerifierState) => void): () => void;
  /** Notes at which moment what is known now was so, and from which on that is too old. */
  note(known: Known): void;
  /** Notes that the service will not let it become live before an operator acts. It may be live later all the same. */
  refuse(refusal: Error): void;
  /** The moment that was noted last. */
  readonly knownAt: number;
  close(): void;
};

/** Moments of the steady clock. */
type Known = { at: number; staleAt: number };

const MAX_TIMEOUT = 2 ** 31 - 1;

export function createFreshness(steady: MonotonicClock): Freshness {
  const listeners = new Set<(state: VerifierState) => void>();
  let known: Known | undefined;
  let [told, closed]: [VerifierState, boolean] = ["connecting", false];
  let timer: NodeJS.Timeout | undefined;
  let { promise: ready, resolve, reject } = withResolvers();
  let isRefused = false;

  function current(): VerifierState {
    if (closed) return "closed";
    if (known === undefined) return "connecting";
    return steady() > known.staleAt ? "stale" : "live";
  }

  function notify(): void {
    clearTimeout(timer);
    const state = current();
    if (state === "live" && known !== undefined) {
      timer = setTimeout(notify, Math.min(known.staleAt - steady() + 1, MAX_TIMEOUT)).unref();
    }
    if (state === told) return;
    told = state;
    if (state === "live") {
      if (isRefused) ready = Promise.resolve();
      resolve();
    }
    if (state === "closed") reject(new MintmarkError("verifier_stale"));
    // What a listener throws is its owner's to see, and must not end the following of the feed.
    for (const listener of listeners) queueMicrotask(() => listener(state));
  }

  return {
    get state() {
      return current();
    },
    get age() {
      return known === undefined ? Number.POSITIVE_INFINITY : (steady() - known.at) / 1000;
    },
    get knownAt() {
      return known?.at ?? Number.NEGATIVE_INFINITY;
    },
    get ready() {
      return ready;
    },
    onStateChange(listener) {
      const own = (state: VerifierState) => listener(state);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    note(next) {
      known = next;
      notify();
    },
    refuse(refusal) {
      if (told !== "connecting") return;
      // Each is told why it is refused now: that may change.
      if (isRefused) ({ promise: ready, resolve, reject } = withResolvers());
      isRefused = true;
      reject(refusal);
    },
    close() {
      closed = true;
      notify();
    },
  };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers() {
  let [resolve, reject]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((onResolve, onReject) => {
    [resolve, reject] = [onResolve, onReject];
  });
  // Nobody needs to wait for it.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
