import { MintmarkError } from "../../errors.ts";
import type { TrustUpdate } from "../../trust/trust-update.ts";
import type { Caller, WatchedCaller } from "../access/caller.ts";
import { cursorOf, type FeedItem, type Received, type Updates } from "./updates.ts";

/** The updates of one follower, asked for one at a time. */
export type FeedStream = AsyncIterable<FeedItem> & {
  next(): Promise<Result>;
  /** Ends it at once, also while it waits. */
  return(value?: undefined): Promise<Result>;
};

type Result = IteratorResult<FeedItem, undefined>;

/**
 * A follower: what is known of it, what it has received, and the stream of its updates. One object, since thousands wait at a
 * time.
 */
export type Follower = FeedStream &
  WatchedCaller &
  Received & {
    /** The sequence number at its authentication. */
    asOf: number;
    /** Authorises it. Undefined after that. */
    begin: (() => Promise<void>) | undefined;
    /** The cursor that it presented. */
    after: string | undefined;
    /** What is left until it is current. */
    pages: AsyncGenerator<FeedItem> | undefined;
    isLive: boolean;
    /** Whether the last update revoked its client. */
    isRevoked: boolean;
    hasEnded: boolean;
    onEnd: (() => void) | undefined;
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
  open(caller: Caller, start: Pick<Follower, "begin" | "after">): Follower;
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
    follower.onEnd?.();
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
      if (follower.hasEnded) return DONE;
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

  const methods: FeedStream = {
    next(this: Follower) {
      if (this.hasEnded) return Promise.resolve(DONE);
      // A follower that was busy with its last update has missed notifications.
      if (!this.isLive || this.isRevoked || !isOpen() || !updates.isCurrent(this)) return advance(this);
      return new Promise((resolve, reject) => {
        this.waiting = { resolve, reject };
      });
    },
    async return(this: Follower) {
      end(this);
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };

  return {
    // Without spread: each object would have a hidden class of its own, which takes more than the object.
    open: ({ clientId, asOf, credential = "" }, { begin, after }) => ({
      next: methods.next,
      return: methods.return,
      [Symbol.asyncIterator]: methods[Symbol.asyncIterator],
      clientId,
      isStored: asOf !== undefined,
      credential,
      checkedAt: -1,
      endsAt: undefined,
      isPermitted: true,
      epoch: "",
      sequence: 0,
      keys: "",
      asOf: asOf ?? 0,
      begin,
      after,
      pages: undefined,
      isLive: false,
      isRevoked: false,
      hasEnded: false,
      onEnd: undefined,
      waiting: undefined,
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
