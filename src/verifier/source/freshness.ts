import { setBackgroundTimeout, type Timer } from "../../async/background-timer.ts";
import type { MonotonicClock } from "../../async/monotonic-clock.ts";
import { MintmarkError } from "../../errors.ts";
import type { Milliseconds, Seconds } from "../../time.ts";

/**
 * connecting: nothing received yet. live: revocation data is fresh. stale: it is too old to accept or refuse a token by.
 * closed: permanently.
 */
export type VerifierState = "connecting" | "live" | "stale" | "closed";

export type Freshness = {
  readonly state: VerifierState;
  /** Age of the revocation data. Infinite before the first. */
  readonly age: Seconds;
  /** Resolves when first live. Rejects when closed before, or refused by the service. */
  readonly ready: Promise<void>;
  /** Calls back after every change of state. Returns the function that unsubscribes. */
  onStateChange(listener: (state: VerifierState) => void): () => void;
  /** Records at which moment the data was current, and from when on it is stale. */
  update(data: Data): void;
  /** Rejects `ready` with the refusal, unless it was live before. */
  refuse(refusal: Error): void;
  /** `at` of the last update. */
  readonly knownAt: number;
  close(): void;
};

/** Moments of the monotonic clock. */
type Data = { at: number; staleAt: number };

const MAX_TIMEOUT_MS: Milliseconds = 2 ** 31 - 1;

export function createFreshness(monotonic: MonotonicClock): Freshness {
  const listeners = new Set<(state: VerifierState) => void>();
  let data: Data | undefined;
  let [notified, closed]: [VerifierState, boolean] = ["connecting", false];
  let timer: Timer | undefined;
  let { promise: ready, resolve, reject } = withResolvers();
  let isRefused = false;

  function current(): VerifierState {
    if (closed) return "closed";
    if (data === undefined) return "connecting";
    return monotonic() > data.staleAt ? "stale" : "live";
  }

  function notify(): void {
    clearTimeout(timer);
    const state = current();
    if (state === "live" && data !== undefined && Number.isFinite(data.staleAt)) {
      timer = setBackgroundTimeout(notify, Math.min(data.staleAt - monotonic() + 1, MAX_TIMEOUT_MS));
    }
    if (state === notified) return;
    notified = state;
    if (state === "live") {
      if (isRefused) ready = Promise.resolve();
      resolve();
    }
    if (state === "closed") reject(new MintmarkError("verifier_stale"));
    // An exception of a listener must not stop the feed.
    for (const listener of listeners) queueMicrotask(() => listener(state));
  }

  return {
    get state() {
      return current();
    },
    get age() {
      return data === undefined ? Number.POSITIVE_INFINITY : (monotonic() - data.at) / 1000;
    },
    get knownAt() {
      return data?.at ?? Number.NEGATIVE_INFINITY;
    },
    get ready() {
      return ready;
    },
    onStateChange(listener) {
      const own = (state: VerifierState) => listener(state);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    update(next) {
      data = next;
      notify();
    },
    refuse(refusal) {
      if (notified !== "connecting") return;
      // The reason can change: a later refusal rejects a new promise.
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
  // A rejection without a listener would end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
