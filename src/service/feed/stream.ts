import { MintmarkError } from "../../errors.ts";
import type { TrustUpdate } from "../../trust/trust-update.ts";
import { cursorOf, type FeedItem, type Received, type Updates } from "./updates.ts";

/** The updates of one follower, asked for one at a time. */
export type FeedStream = AsyncIterable<FeedItem> & {
  next(): Promise<Result>;
  /** Ends it at once, also while it waits. */
  return(value?: undefined): Promise<Result>;
};

type Result = IteratorResult<FeedItem, undefined>;

/** A follower, and what it has received. Thousands wait at a time, so it is one object, and nothing else waits for it. */
export type Follower = Received & {
  clientId: string;
  /** Whether it is a client of the store, as opposed to a caller within this process. */
  isStored: boolean;
  /** The sequence number at its authentication. */
  asOf: number;
  /** Authorises it. Undefined after that. */
  begin: (() => Promise<void>) | undefined;
  check: (clientsSequence: number) => Promise<void> | undefined;
  /** The cursor that it presented. */
  after: string | undefined;
  /** What is left until it is current. */
  pages: AsyncGenerator<FeedItem> | undefined;
  isLive: boolean;
  /** Whether the last update revoked its client. */
  isRevoked: boolean;
  hasEnded: boolean;
  waiting: { resolve: (result: Result) => void; reject: (cause: unknown) => void } | undefined;
};

export type StreamsOptions = {
  updates: Updates;
  /** Throws or rejects where a follower may not go on. */
  verify: (follower: Follower) => Promise<void> | undefined;
  /** Whether there will be updates. */
  isOpen: () => boolean;
  leave: (follower: Follower) => void;
};

export type Streams = {
  of(follower: Follower): FeedStream;
  /** Gives a follower that waits the updates since its last one; a heartbeat where there are none. */
  notify(follower: Follower): void;
};

const DONE: Result = { value: undefined, done: true };

export function createStreams({ updates, verify, isOpen, leave }: StreamsOptions): Streams {
  function end(follower: Follower): void {
    if (follower.hasEnded) return;
    follower.hasEnded = true;
    follower.pages = undefined;
    leave(follower);
    follower.waiting?.resolve(DONE);
    follower.waiting = undefined;
  }

  function deliver(follower: Follower, item: FeedItem): Result {
    const { epoch, sequence, keys, more = false } = item.update;
    follower.epoch = epoch;
    follower.sequence = sequence;
    if (keys !== undefined) follower.keys = updates.keysName();
    follower.isRevoked = isRevoked(follower, item.update);
    if (!more) {
      follower.isLive = true;
      follower.pages = undefined;
    }
    return { value: item, done: false };
  }

  async function advance(follower: Follower, checked?: Promise<void>): Promise<Result> {
    try {
      await follower.begin?.();
      follower.begin = undefined;
      if (follower.isRevoked) throw new MintmarkError("invalid_client");
      if (follower.pages === undefined) {
        await (checked ?? verify(follower));
        const item = follower.isLive ? updates.since(follower) : undefined;
        if (item !== undefined && !follower.hasEnded) return deliver(follower, item);
        follower.pages = updates.catchUp(follower.isLive ? cursorOf(follower) : follower.after);
      }
      const { value } = await follower.pages.next();
      return follower.hasEnded ? DONE : deliver(follower, value);
    } catch (error) {
      end(follower);
      throw error;
    }
  }

  function next(follower: Follower): Promise<Result> {
    if (follower.hasEnded) return Promise.resolve(DONE);
    const { isLive, isRevoked } = follower;
    // A follower that was busy with its last update has missed notifications.
    if (!isLive || isRevoked || !isOpen() || !updates.isCurrent(follower)) return advance(follower);
    return new Promise((resolve, reject) => {
      follower.waiting = { resolve, reject };
    });
  }

  return {
    of: (follower) => ({
      next: () => next(follower),
      async return() {
        end(follower);
        return DONE;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    }),
    notify(follower) {
      const { waiting } = follower;
      if (waiting === undefined) return;
      follower.waiting = undefined;
      try {
        const checked = verify(follower);
        const item = checked === undefined ? updates.since(follower) : undefined;
        if (item === undefined) advance(follower, checked).then(waiting.resolve, waiting.reject);
        else waiting.resolve(deliver(follower, item));
      } catch (error) {
        end(follower);
        waiting.reject(error);
      }
    },
  };
}

/** Whether the client of a follower was revoked since its authentication. */
function isRevoked({ clientId, asOf }: Follower, { revocations }: TrustUpdate): boolean {
  return (
    revocations?.some(({ kind, id, sequence }) => kind === "client" && id === clientId && sequence > asOf) ?? false
  );
}
