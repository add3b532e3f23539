import type { Seconds } from "../time.ts";

/** The stored times of a key. Everything else about its life follows from them and the moment. */
export type KeyTimes = {
  kid: string;
  /** From when on it is published. */
  createdAt: Seconds;
  /** From when on it signs, until the next one does. */
  activatesAt: Seconds;
  /** When it was killed, if it was: neither it nor its tokens count any more. */
  killedAt?: Seconds | undefined;
};

type Times = Pick<KeyTimes, "kid" | "activatesAt" | "killedAt">;

/** A key that is wanted: behind which one, and from when on it is to sign. `follows` is empty for the first. */
export type KeyRequest = { follows: string; activatesAt: Seconds };

/**
 * What comes of it: a key is added at the end, or one that is there signs earlier than it was to. Dead ones
 * before it that had their turn by a clock that was ahead are moved with it, or they would hold it back.
 */
export type Succession = { add: KeyRequest } | { activateEarlier: readonly string[]; activatesAt: Seconds };

/** The keys that sign one after another, out of all keys in the order in which they were added. */
export function successionOf<Key extends Times>(keys: readonly Key[]): Key[] {
  return keys.filter(wasActive);
}

/**
 * Whether a key has its turn to sign, or had it. One that was killed while it was pending, by the clock of whoever
 * killed it, never has. That is read off the two moments stored then, and never decided again by another clock.
 */
export function wasActive({ killedAt, activatesAt }: Times): boolean {
  return killedAt === undefined || killedAt >= activatesAt;
}

/**
 * Finds a place for a wanted key, or nothing to do where another took it meanwhile. A key is only ever
 * added at the end, and none signs before the one that it comes after, whatever the clock says that
 * asked for it: so the order in which keys were added is the order in which they sign.
 */
export function scheduleKey(keys: readonly Times[], { follows, activatesAt }: KeyRequest): Succession | undefined {
  const place = keys.findIndex(({ kid }) => kid === follows) + 1;
  const before = successionOf(keys.slice(0, place)).at(-1);
  const behind = successionOf(keys.slice(place));
  return behind.length === 0
    ? appendKey(before, activatesAt)
    : activateEarlier(behind, activationTime(before, activatesAt));
}

/**
 * What a kill makes necessary, told the keys as they are after it: whatever was killed, and in whatever
 * order, the last key of all lives, and it signs as soon as the last dead one would have.
 */
export function scheduleAfterRevocation(keys: readonly Times[], now: Seconds): Succession | undefined {
  const succession = successionOf(keys);
  const lastDead = succession.findLastIndex(({ killedAt }) => killedAt !== undefined);
  const behind = succession.slice(lastDead + 1);
  const dead = succession[lastDead];
  if (behind.length === 0) return appendKey(dead, now);
  return dead && activateEarlier(behind, activationTime(dead, now));
}

function appendKey(before: Times | undefined, activatesAt: Seconds): Succession {
  return { add: { follows: before?.kid ?? "", activatesAt: activationTime(before, activatesAt) } };
}

/** Lets the first living one of these keys sign at a moment, where it was to later. */
function activateEarlier(keys: readonly Times[], activatesAt: Seconds): Succession | undefined {
  const living = keys.findIndex(({ killedAt }) => killedAt === undefined);
  const late = keys.slice(0, living + 1).filter((key) => key.activatesAt > activatesAt);
  return late.length === 0 ? undefined : { activateEarlier: late.map(({ kid }) => kid), activatesAt };
}

function activationTime(before: Times | undefined, activatesAt: Seconds): Seconds {
  return Math.max(before?.activatesAt ?? 0, activatesAt);
}
