import type { Seconds } from "../time.ts";

/** The stored times of a key. Its states follow from them. */
export type KeyTimes = {
  kid: string;
  /** When it is published. */
  createdAt: Seconds;
  /** When it starts to sign, until the next key does. */
  activatesAt: Seconds;
  /** When it was revoked: neither it nor its tokens are valid. */
  killedAt?: Seconds | undefined;
};

type Times = Pick<KeyTimes, "kid" | "activatesAt" | "killedAt">;

/** A key to be added after another one, and when it starts to sign. `follows` is empty for the first. */
export type KeyRequest = { follows: string; activatesAt: Seconds };

/**
 * The change that fulfils a request: a key is added at the end, or a pending one signs earlier. Revoked keys before it that a
 * clock ahead had activated are moved with it, to keep the order.
 */
export type Succession = { add: KeyRequest } | { activateEarlier: readonly string[]; activatesAt: Seconds };

/** The keys that sign one after another, of all keys in the order of addition. */
export function successionOf<Key extends Times>(keys: readonly Key[]): Key[] {
  return keys.filter(wasActive);
}

/**
 * Whether a key signs at some time. Not one that was revoked while pending. Decided by the two stored times alone, so that
 * all clocks agree.
 */
export function wasActive({ killedAt, activatesAt }: Times): boolean {
  return killedAt === undefined || killedAt >= activatesAt;
}

/**
 * Places a requested key; `undefined` where another server has added it. Keys are added at the end only, and none signs
 * before the key that it follows, whatever the clock of the request. So keys sign in the order of addition.
 */
export function scheduleKey(keys: readonly Times[], { follows, activatesAt }: KeyRequest): Succession | undefined {
  const place = keys.findIndex(({ kid }) => kid === follows) + 1;
  const before = successionOf(keys.slice(0, place)).at(-1);
  const after = successionOf(keys.slice(place));
  const earliest = Math.max(before?.activatesAt ?? 0, activatesAt);
  if (after.length === 0) return { add: { follows: before?.kid ?? "", activatesAt: earliest } };
  const living = after.findIndex(({ killedAt }) => killedAt === undefined);
  const late = after.slice(0, living + 1).filter((key) => key.activatesAt > earliest);
  return late.length === 0 ? undefined : { activateEarlier: late.map(({ kid }) => kid), activatesAt: earliest };
}

/** The change after a revocation: the last key is never a revoked one, and signs as soon as the last revoked one would. */
export function scheduleAfterRevocation(keys: readonly Times[], now: Seconds): Succession | undefined {
  const succession = successionOf(keys);
  const revoked = succession.findLast(({ killedAt }) => killedAt !== undefined);
  if (revoked === undefined && succession.length > 0) return undefined;
  return scheduleKey(keys, { follows: revoked?.kid ?? "", activatesAt: now });
}
