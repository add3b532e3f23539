import type { Keyring } from "../../keys/keyring.ts";
import type { Store } from "../../store/store.ts";
import type { TrustUpdate } from "../../trust/trust-update.ts";
import { createPublishedKeys } from "../keys/loaded-keys.ts";
import { revocationsBetween, type StoreFollower } from "./store-follower.ts";

/** An update, and the cursor to resume after it. */
export type FeedItem = { cursor: string; update: TrustUpdate };

/** What a follower has received: the position of its last update, and the name of the keys. */
export type Received = { epoch: string; sequence: number; keys: string };

/** The updates of the feed. */
export type Updates = {
  /** Updates after a cursor in pages, then the keys. A snapshot where the cursor is not of this history. */
  catchUp(after: string | undefined): AsyncGenerator<FeedItem>;
  /**
   * The merged updates since what was received. Empty: a heartbeat. The same object for all who have received the same;
   * undefined where some are no longer in memory.
   */
  since(received: Received): FeedItem | undefined;
  /** Whether there is nothing after what was received. */
  isCurrent(received: Received): boolean;
  /** The name of the current keys. */
  keysName(): string;
};

export type UpdatesOptions = {
  store: Pick<Store, "listRevocations">;
  trust: StoreFollower;
  keyring: () => Keyring;
};

/** The cursor within a snapshot, which cannot be resumed. */
const SNAPSHOT_CURSOR = "snapshot";

export function createUpdates({ store, trust, keyring }: UpdatesOptions): Updates {
  const publishedKeys = createPublishedKeys(keyring);
  /** The merged updates of one state, by the sequence number and the keys that they follow. */
  let merged = { epoch: "", sequence: 0, at: 0, keys: "", items: new Map<string, FeedItem | undefined>() };

  async function* catchUp(after: string | undefined): AsyncGenerator<FeedItem> {
    const state = trust.state();
    const { epoch, sequence } = state;
    const known = sequenceIn(after, epoch);
    const at = trust.knownAt();
    if (known === undefined || known > sequence) {
      yield itemOf({ epoch, sequence: 0, at, reset: true, more: true });
      for (const piece of state.snapshot()) yield itemOf({ epoch, sequence: 0, at, more: true, ...piece });
    } else {
      for await (const revocations of revocationsBetween(store, known, sequence))
        yield itemOf({ epoch, sequence: known, at, more: true, revocations });
    }
    yield itemOf({ epoch, sequence, at, keys: publishedKeys().keys });
  }

  function merge(received: Received): FeedItem | undefined {
    const { epoch, sequence } = trust.state();
    const updates = epoch === received.epoch ? trust.updatesAfter(received.sequence) : undefined;
    if (updates === undefined) return undefined;
    const revocations = updates.flatMap((update) => update.revocations ?? []);
    const { name, keys } = publishedKeys();
    return itemOf({
      epoch,
      sequence,
      at: trust.knownAt(),
      ...(revocations.length > 0 && { revocations }),
      ...(received.keys !== name && { keys }),
    });
  }

  return {
    catchUp,
    since(received) {
      const { epoch, sequence } = trust.state();
      const { name: keys } = publishedKeys();
      const at = trust.knownAt();
      const isOld = merged.sequence !== sequence || merged.at !== at || merged.keys !== keys || merged.epoch !== epoch;
      if (isOld) merged = { epoch, sequence, at, keys, items: new Map() };
      const key = `${received.sequence} ${received.epoch === epoch} ${received.keys === keys}`;
      if (!merged.items.has(key)) merged.items.set(key, merge(received));
      return merged.items.get(key);
    },
    isCurrent(received) {
      const { epoch, sequence } = trust.state();
      return received.sequence === sequence && received.epoch === epoch;
    },
    keysName: () => publishedKeys().name,
  };
}

function itemOf(update: TrustUpdate): FeedItem {
  return { cursor: update.more ? SNAPSHOT_CURSOR : cursorOf(update), update };
}

export function cursorOf({ epoch, sequence }: Pick<Received, "epoch" | "sequence">): string {
  return `${epoch}:${sequence}`;
}

function sequenceIn(cursor: string | undefined, epoch: string): number | undefined {
  const sequence = cursor?.startsWith(`${epoch}:`) ? cursor.slice(epoch.length + 1) : "";
  return /^\d{1,15}$/.test(sequence) ? Number(sequence) : undefined;
}
