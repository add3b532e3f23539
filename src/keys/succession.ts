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
export type WantedKey = { follows: string; activatesAt: Seconds };

/** What comes of it: a key is added at the end, or one that is there signs earlier than it was to. */
export type Succession = { add: WantedKey } | { hasten: string; activatesAt: Seconds };

/**
 * The keys that sign one after another, out of all keys in the order in which they were added. One
 * that was killed while it was pending, by the clock of whoever killed it, never had a turn. That is
 * read off the two moments stored then, and never decided again by another clock.
 */
export function successionOf<Key extends Times>(keys: readonly Key[]): Key[] {
  return keys.filter(({ killedAt, activatesAt }) => killedAt === undefined || killedAt >= activatesAt);
}

/**
 * Finds a place for a wanted key, or nothing to do where another took it meanwhile. A key is only ever
 * added at the end, and none signs before the one that it comes after, whatever the clock says that
 * asked for it: so the order in which keys were added is the order in which they sign.
 */
export function placeKey(keys: readonly Times[], { follows, activatesAt }: WantedKey): Succession | undefined {
  const place = keys.findIndex(({ kid }) => kid === follows) + 1;
  const before = successionOf(keys.slice(0, place)).at(-1);
  const [next] = successionOf(keys.slice(place));
  return next === undefined ? addBehind(before, activatesAt) : hasten(next, notBefore(before, activatesAt));
}

/**
 * What a kill makes necessary, told the keys as they are after it: whatever was killed, and in whatever
 * order, the last key of all lives, and it signs as soon as the last dead one would have.
 */
export function placeAfterKill(keys: readonly Times[], now: Seconds): Succession | undefined {
  const succession = successionOf(keys);
  const lastDead = succession.findLastIndex(({ killedAt }) => killedAt !== undefined);
  const next = succession[lastDead + 1];
  const dead = succession[lastDead];
  if (next === undefined) return addBehind(dead, now);
  return dead && hasten(next, notBefore(dead, now));
}

function addBehind(before: Times | undefined, activatesAt: Seconds): Succession {
  return { add: { follows: before?.kid ?? "", activatesAt: notBefore(before, activatesAt) } };
}

function hasten({ kid, killedAt, activatesAt: planned }: Times, activatesAt: Seconds): Succession | undefined {
  return killedAt === undefined && planned > activatesAt ? { hasten: kid, activatesAt } : undefined;
}

function notBefore(before: Times | undefined, activatesAt: Seconds): Seconds {
  return Math.max(before?.activatesAt ?? 0, activatesAt);
}
