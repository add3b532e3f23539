import { MintmarkError } from "../../errors.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds } from "../../time.ts";
import type { TrustUpdate } from "../../trust/trust-update.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import { watchCaller } from "../access/caller.ts";
import type { ClientUses } from "../clients/client-uses.ts";
import { createPublishedKeys } from "../keys/loaded-keys.ts";
import { revocationsBetween, type StoreFollower } from "./store-follower.ts";

/** An update, and the cursor to resume after it. */
type FeedItem = { cursor: string; update: TrustUpdate };

type Follow = { after?: string | undefined; signal?: AbortSignal | undefined };

export type Feed = {
  /**
   * Yields the updates after a cursor, or a snapshot where the cursor is unknown; then new updates, and a heartbeat every
   * 5 s. Throws an `AbortError` when this server stops, `too_many_followers`, `invalid_client` when the client is revoked or
   * its secret ends, and `permission_denied` when its permission is withdrawn.
   */
  follow(caller: Caller, options: Follow): AsyncGenerator<FeedItem>;
  /** Disconnects all followers and refuses new ones. */
  end(): void;
  /** Number of followers, and number of updates that the slowest one has not been sent. */
  measure(): { followers: number; behind: number };
};

export type FeedOptions = {
  store: Pick<Store, "listRevocations" | "findClient">;
  clock: Clock;
  trust: StoreFollower;
  keyring: () => Keyring;
  authorize: Authorize;
  uses: Pick<ClientUses, "note">;
  /** Most followers at a time, in total and per client. */
  maxFollowers: { total: number; perClient: number };
};

const PERMISSION = "follow_events";

const HEARTBEAT_MS: Milliseconds = 5000;

/** The cursor within a snapshot, which cannot be resumed. */
const SNAPSHOT_CURSOR = "snapshot";

type Follower = {
  clientId: string;
  /** Whether it is a client of the store, as opposed to a caller within this process. */
  isStored: boolean;
  /** Sequence numbers: at its authentication, and of the last update sent. */
  asOf: number;
  sent: number;
  check: ReturnType<typeof watchCaller>;
  notify: () => void;
};

/** The feed of trust events. Followers pull: a slow one gets several updates merged, and delays no other. */
export function createFeed(options: FeedOptions): Feed {
  const { store, clock, trust, keyring, authorize, uses, maxFollowers } = options;
  const followers = new Set<Follower>();
  const publishedKeys = createPublishedKeys(keyring);
  let ended = false;
  const notifyAll = () => {
    for (const { notify } of followers) notify();
  };
  const unsubscribe = trust.onUpdate(notifyAll);
  const heartbeat = setInterval(notifyAll, HEARTBEAT_MS).unref();

  function addFollower(caller: Caller): Follower {
    const { clientId } = caller;
    const own = [...followers].filter((follower) => follower.clientId === clientId).length;
    if (followers.size >= maxFollowers.total || own >= maxFollowers.perClient)
      throw new MintmarkError("too_many_followers", { retryAfter: 10 });
    const { sequence } = trust.state();
    const { asOf = sequence } = caller;
    const check = watchCaller({ store, clock }, { caller, permission: PERMISSION });
    const isStored = caller.asOf !== undefined;
    const follower = { clientId, isStored, asOf, sent: sequence, check, notify: () => {} };
    followers.add(follower);
    return follower;
  }

  /** Updates after a cursor in pages, then the keys. A snapshot where the cursor is not of this history. */
  async function* catchUp(after: string | undefined): AsyncGenerator<TrustUpdate> {
    const state = trust.state();
    const { epoch, sequence } = state;
    const known = sequenceIn(after, epoch);
    const isReset = known === undefined || known > sequence;
    const at = trust.knownAt();
    if (isReset) {
      yield { epoch, sequence: 0, at, reset: true, more: true };
      for (const piece of state.snapshot()) yield { epoch, sequence: 0, at, more: true, ...piece };
    } else {
      for await (const revocations of revocationsBetween(store, known, sequence))
        yield { epoch, sequence: known, at, more: true, revocations };
    }
    yield { epoch, sequence, at, keys: publishedKeys().keys };
  }

  /** The merged updates since the last one sent. Empty: a heartbeat. */
  async function* next(sent: TrustUpdate, haveKeysChanged: boolean): AsyncGenerator<TrustUpdate> {
    const { epoch, sequence } = trust.state();
    const updates = epoch === sent.epoch ? trust.updatesAfter(sent.sequence) : undefined;
    if (updates === undefined) return yield* catchUp(cursorOf(sent));
    const revocations = updates.flatMap((update) => update.revocations ?? []);
    yield {
      epoch,
      sequence,
      at: trust.knownAt(),
      ...(revocations.length > 0 && { revocations }),
      ...(haveKeysChanged && { keys: publishedKeys().keys }),
    };
  }

  async function* run(follower: Follower, { after, signal }: Follow): AsyncGenerator<FeedItem> {
    let sent: TrustUpdate | undefined;
    let sentKeys = "";
    while (!signal?.aborted) {
      if (ended) throw new DOMException("This server stops", "AbortError");
      await follower.check(trust.position().clientsSequence);
      if (follower.isStored) uses.note(follower);
      const { name } = publishedKeys();
      const updates: AsyncGenerator<TrustUpdate> = sent === undefined ? catchUp(after) : next(sent, sentKeys !== name);
      for await (const update of updates) {
        yield { cursor: cursorOf(update), update };
        if (isRevoked(follower, update)) throw new MintmarkError("invalid_client");
        sent = update;
        follower.sent = update.sequence;
      }
      sentKeys = name;
      const { epoch, sequence } = trust.state();
      // A follower that was busy with its last update has missed notifications.
      if (!ended && !signal?.aborted && epoch === sent?.epoch && sequence === sent.sequence)
        await new Promise<void>((resolve) => {
          follower.notify = resolve;
        });
    }
  }

  return {
    async *follow(caller, options) {
      const follower = await authorize(caller, { action: "events", permission: PERMISSION }, async () =>
        addFollower(caller),
      );
      const notify = () => follower.notify();
      options.signal?.addEventListener("abort", notify, { once: true });
      try {
        // Followers measure staleness from their request: the first update must be read after it.
        await trust.catchUp();
        if (trust.state().isClientRevokedAfter(follower.clientId, follower.asOf))
          throw new MintmarkError("invalid_client");
        yield* run(follower, options);
      } finally {
        options.signal?.removeEventListener("abort", notify);
        followers.delete(follower);
      }
    },
    end() {
      ended = true;
      clearInterval(heartbeat);
      unsubscribe();
      notifyAll();
    },
    measure() {
      const oldest = Math.min(...[...followers].map(({ sent }) => sent));
      return { followers: followers.size, behind: followers.size === 0 ? 0 : trust.countAfter(oldest) };
    },
  };
}

function cursorOf({ epoch, sequence, more }: TrustUpdate): string {
  return more ? SNAPSHOT_CURSOR : `${epoch}:${sequence}`;
}

function sequenceIn(cursor: string | undefined, epoch: string): number | undefined {
  const sequence = cursor?.startsWith(`${epoch}:`) ? cursor.slice(epoch.length + 1) : "";
  return /^\d{1,15}$/.test(sequence) ? Number(sequence) : undefined;
}

/** Whether the client of a follower was revoked since its authentication. */
function isRevoked({ clientId, asOf }: Follower, { revocations = [] }: TrustUpdate): boolean {
  return revocations.some(({ kind, id, sequence }) => kind === "client" && id === clientId && sequence > asOf);
}
