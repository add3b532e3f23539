import { setImmediate } from "node:timers/promises";
import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import type { StoredSettings } from "../../store/settings.ts";
import type { Position, Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import { createTrustState, type TrustState } from "../../trust/trust-state.ts";
import type { Revocation, TrustUpdate } from "../../trust/trust-update.ts";

/** A replica of the trust state in the store, kept current by its change log. */
export type StoreFollower = {
  state(): TrustState;
  /**
   * Reads new changes. When it resolves, all changes acknowledged before the call are applied here and were written to all
   * followers of this server that are not behind.
   */
  catchUp(): Promise<void>;
  /** Reads the position of the store. Rejects with `unavailable` after 1.5 s. */
  latest(): Promise<Position>;
  /** The position of the store as last read. */
  position(): Position;
  /** When the state was last known to be complete: milliseconds of a monotonic clock. */
  knownAt(): Milliseconds;
  /** Whether the store could not be read for longer than `maxStaleness`. */
  isStale(): boolean;
  /** The updates after a sequence number; `undefined` if some of them are no longer in memory. */
  updatesAfter(sequence: number): TrustUpdate[] | undefined;
  /** Number of updates in memory after a sequence number. */
  countAfter(sequence: number): number;
  /** Calls back after each update, and reads the next one when that resolves. Returns the function that unsubscribes. */
  onUpdate(listener: () => void | Promise<void>): () => void;
};

export type StoreFollowerOptions = {
  store: Pick<Store, "position" | "listRevocations">;
  clock: Clock;
  maxStaleness: Seconds;
  /** Called when keys have changed. */
  reloadKeys: () => Promise<void>;
  /** Called after each change with the settings before and after. */
  onSettings?: (change: { from: StoredSettings; to: StoredSettings }) => void;
};

/** Revocations per read. */
const PAGE_SIZE = 5000;

/** Updates in memory, for followers that are slightly behind. */
const MAX_RECENT = 1000;

const NO_POSITION: Position = {
  epoch: "",
  sequence: 0,
  keysSequence: -1,
  clientsSequence: 0,
  time: 0,
  settings: { longestLifetime: 0 },
};

/** Follows the change log of the store, in its order. */
export function createStoreFollower({
  store,
  clock,
  maxStaleness,
  reloadKeys,
  onSettings,
}: StoreFollowerOptions): StoreFollower {
  let state = createTrustState();
  let position = NO_POSITION;
  let newest = position;
  let knownAt = Number.NEGATIVE_INFINITY;
  let keysSequence = -1;
  let recent: { after: number; update: TrustUpdate }[] = [];
  const listeners = new Set<() => void | Promise<void>>();

  async function readPosition(): Promise<Position> {
    const read = await store.position();
    position = read;
    // Reads can overlap: an earlier one may end last.
    if (read.epoch === newest.epoch && read.sequence <= newest.sequence) return read;
    const { settings: from } = newest;
    newest = read;
    onSettings?.({ from, to: read.settings });
    return read;
  }
  const latestPosition = coalesce(readPosition);

  const read = coalesce(async () => {
    const at = performance.now();
    const { epoch, sequence, keysSequence: newKeys } = await readPosition();
    // After a restore, or after the clock was set back, the replica may hold too much or too little.
    const mustReset = epoch !== state.epoch || sequence < state.sequence || state.hasForgottenTooMuch(clock());
    const next = mustReset ? createTrustState() : state;
    const { sequence: after } = next;
    const revocations: Revocation[] = [];
    for await (const page of revocationsBetween(store, after, sequence)) {
      next.apply({ epoch, sequence: after, at, revocations: page });
      if (!mustReset) revocations.push(...page);
    }
    const haveKeysChanged = newKeys !== keysSequence;
    if (haveKeysChanged) await reloadKeys();
    const update: TrustUpdate = { epoch, sequence, at, ...(revocations.length > 0 && { revocations }) };
    next.apply(update);
    [state, knownAt, keysSequence] = [next, at, newKeys];
    if (mustReset) recent = [];
    else if (sequence > after) recent = [...recent.slice(-MAX_RECENT), { after, update }];
    if (mustReset || sequence > after || haveKeysChanged)
      await Promise.all([...listeners].map((listener) => listener()));
  });

  async function catchUp(): Promise<void> {
    await read();
    // Notified followers write in this turn of the event loop, before the caller continues.
    await setImmediate();
  }

  return {
    state: () => state,
    catchUp,
    latest: () => withTimeout(latestPosition()),
    position: () => position,
    knownAt: () => knownAt,
    isStale: () => performance.now() - knownAt > maxStaleness * 1000,
    updatesAfter(sequence) {
      if (sequence === state.sequence) return [];
      const start = recent.findIndex(({ after }) => after === sequence);
      return start < 0 ? undefined : recent.slice(start).map(({ update }) => update);
    },
    countAfter: (sequence) => recent.filter(({ after }) => after >= sequence).length,
    onUpdate(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Pages of the revocations with `after` < sequence number <= `until`. */
export async function* revocationsBetween(
  store: Pick<Store, "listRevocations">,
  after: number,
  until: number,
): AsyncGenerator<Revocation[]> {
  for (let from = after; from < until; ) {
    const found = await store.listRevocations(from, PAGE_SIZE);
    const page = found.filter(({ sequence }) => sequence <= until);
    if (page.length > 0) yield page;
    if (page.length < PAGE_SIZE) return;
    from = page.at(-1)?.sequence ?? until;
  }
}
