import { setImmediate } from "node:timers/promises";
import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import type { StoredSettings } from "../../store/settings.ts";
import type { Position, Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { createTrustState, type TrustState } from "../../trust/trust-state.ts";
import type { Revocation, TrustUpdate } from "../../trust/trust-update.ts";

/** What this server knows of the log of changes in the store, and how it follows it. */
export type StoreFollower = {
  state(): TrustState;
  /**
   * Reads what is new in the store. Resolves when whatever had been acknowledged before the call is known
   * here, and was written to all who follow this server and keep up.
   */
  catchUp(): Promise<void>;
  /** The number of the latest change there is in the store. */
  latest(): Promise<number>;
  /** The number of the latest change of clients and their secrets, as it was read last. */
  clientsSequence(): number;
  /** The stored settings, as they were read last. */
  settings(): StoredSettings;
  /** A moment that was past by another clock, when the store was read last; see the store's position. */
  latestTime(): Seconds;
  /** When the store was last known to hold no more than this: milliseconds of a steady clock. */
  knownAt(): number;
  /** Whether the store could not be read for too long. */
  isStale(): boolean;
  /** The updates after a change, as far as they are remembered; `undefined` if not all of them are. */
  updatesAfter(sequence: number): TrustUpdate[] | undefined;
  /** How many updates came after a change, of those that are remembered. */
  countAfter(sequence: number): number;
  /** Calls back after each update. Gives the verb that ends it. */
  onUpdate(listener: () => void): () => void;
};

export type StoreFollowerOptions = {
  store: Pick<Store, "position" | "listRevocations">;
  clock: Clock;
  maxStaleness: Seconds;
  /** Reads the keys again: another server has changed one. */
  reloadKeys: () => Promise<void>;
  /** Receives the stored settings where they differ from those that were read before, whoever changed them. */
  onSettings?: (change: { from: StoredSettings; to: StoredSettings }) => void;
};

/** Revocations that are read at a time. */
const PAGE_SIZE = 5000;

/** Updates that are remembered for followers that are a little behind. */
const MAX_RECENT = 1000;

/** Follows the store: this server's own trust state, in the order of the store. */
export function createStoreFollower({
  store,
  clock,
  maxStaleness,
  reloadKeys,
  onSettings,
}: StoreFollowerOptions): StoreFollower {
  let state = createTrustState();
  let settings: StoredSettings = { longestLifetime: 0 };
  let notedSettings = settings;
  let [notedEpoch, notedSequence] = ["", 0];
  let latestTime: Seconds = 0;
  let clientsSequence = 0;
  let knownAt = Number.NEGATIVE_INFINITY;
  let keysSequence = -1;
  let recent: { after: number; update: TrustUpdate }[] = [];
  const listeners = new Set<() => void>();

  async function readPosition(): Promise<Position> {
    const position = await store.position();
    ({ settings, clientsSequence, time: latestTime } = position);
    // Two reads can overlap, and the earlier one end last.
    if (position.epoch === notedEpoch && position.sequence < notedSequence) return position;
    [notedEpoch, notedSequence] = [position.epoch, position.sequence];
    onSettings?.({ from: notedSettings, to: settings });
    notedSettings = settings;
    return position;
  }
  const latestPosition = coalesce(readPosition);

  const read = coalesce(async () => {
    const at = performance.now();
    const { epoch, sequence, keysSequence: newKeys } = await readPosition();
    // The database was restored, or this machine's clock set back: what is known may be too much or too little.
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
    if (mustReset || sequence > after || haveKeysChanged) for (const listener of listeners) listener();
  });

  async function catchUp(): Promise<void> {
    await read();
    // Whoever was woken writes before the event loop turns, and whoever waits here is answered after that.
    await setImmediate();
  }

  return {
    state: () => state,
    catchUp,
    latest: async () => (await withTimeout(latestPosition())).sequence,
    clientsSequence: () => clientsSequence,
    settings: () => settings,
    latestTime: () => latestTime,
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

/** Pages of the revocations after one change, up to another and with it. */
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
