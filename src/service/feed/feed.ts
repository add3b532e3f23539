import { setImmediate as endOfTurn } from "node:timers/promises";
import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds } from "../../time.ts";
import type { Authorize } from "../access/authorize.ts";
import { type Caller, createCallerCheck } from "../access/caller.ts";
import type { ClientUses } from "../clients/client-uses.ts";
import { createStreams, type FeedStream, type Follower } from "./stream.ts";
import { createUpdates, type UpdatesOptions } from "./updates.ts";

type Follow = { after?: string | undefined; signal?: AbortSignal | undefined };

export type Feed = {
  /**
   * Yields the updates after a cursor, or a snapshot where the cursor is unknown; then new updates, and a heartbeat every
   * 5 s. Throws an `AbortError` when this server stops, `too_many_followers`, `invalid_client` when the client is revoked or
   * its secret ends, and `permission_denied` when its permission is withdrawn.
   */
  follow(caller: Caller, options: Follow): FeedStream;
  /** Disconnects all followers and refuses new ones. */
  end(): void;
  /** Number of followers, and number of updates that the slowest one has not been sent. */
  measure(): { followers: number; behind: number };
};

export type FeedOptions = UpdatesOptions & {
  store: Pick<Store, "findClient">;
  clock: Clock;
  authorize: Authorize;
  uses: Pick<ClientUses, "note">;
  /** Most followers at a time, in total and per client. */
  maxFollowers: { total: number; perClient: number };
};

const PERMISSION = "follow_events";

const HEARTBEAT_MS: Milliseconds = 5000;

/** Followers that are notified in one turn of the event loop: a millisecond, in which no request is answered. */
const PER_TURN = 200;

/** The feed of trust events. Followers pull: a slow one gets several updates merged, and delays no other. */
export function createFeed(options: FeedOptions): Feed {
  const { store, clock, trust, authorize, uses, maxFollowers } = options;
  const followers = new Set<Follower>();
  const check = createCallerCheck({ store, clock }, PERMISSION);
  let ended = false;

  const streams = createStreams({
    updates: createUpdates(options),
    verify,
    isOpen: () => !ended,
    leave: (follower) => followers.delete(follower),
  });

  async function notifyAll(): Promise<void> {
    let count = 0;
    for (const follower of [...followers]) {
      streams.notify(follower);
      count += 1;
      if (count % PER_TURN === 0) await endOfTurn();
    }
  }
  const unsubscribe = trust.onUpdate(notifyAll);
  const heartbeat = setInterval(notifyAll, HEARTBEAT_MS).unref();

  function verify(follower: Follower): Promise<void> | undefined {
    if (ended) throw new DOMException("This server stops", "AbortError");
    const checked = check(follower, trust.position().clientsSequence);
    if (follower.isStored) uses.note(follower);
    return checked;
  }

  function countOf(clientId: string): number {
    let count = 0;
    for (const follower of followers) if (follower.clientId === clientId) count += 1;
    return count;
  }

  async function admit(follower: Follower, caller: Caller): Promise<void> {
    await authorize(caller, { action: "events", permission: PERMISSION }, async () => {
      if (followers.size >= maxFollowers.total || countOf(caller.clientId) >= maxFollowers.perClient)
        throw new MintmarkError("too_many_followers", { retryAfter: 10 });
      // One that has left meanwhile would never be removed.
      if (!follower.hasEnded) followers.add(follower);
    });
    follower.sequence = trust.state().sequence;
    follower.asOf = caller.asOf ?? follower.sequence;
    // Followers measure staleness from their request: the first update must be read after it.
    await trust.catchUp();
    if (trust.state().isClientRevokedAfter(follower.clientId, follower.asOf)) throw new MintmarkError("invalid_client");
  }

  return {
    follow(caller, { after, signal }) {
      const follower = streams.open(caller, { begin: () => admit(follower, caller), after });
      if (signal === undefined) return follower;
      const leave = () => void follower.return();
      if (signal.aborted) leave();
      signal.addEventListener("abort", leave);
      follower.onEnd = () => signal.removeEventListener("abort", leave);
      return follower;
    },
    end() {
      ended = true;
      clearInterval(heartbeat);
      unsubscribe();
      for (const follower of followers) streams.notify(follower);
    },
    measure() {
      let oldest = Number.POSITIVE_INFINITY;
      for (const { sequence } of followers) oldest = Math.min(oldest, sequence);
      return { followers: followers.size, behind: followers.size === 0 ? 0 : trust.countAfter(oldest) };
    },
  };
}
