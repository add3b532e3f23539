import type { Seconds } from "../time.ts";
import { type KeyTimes, successionOf, type WantedKey } from "./succession.ts";

export type KeyPolicy = {
  /** How long a key signs. */
  rotation: Seconds;
  /** Longest lifetime of a token. */
  maxTtl: Seconds;
};

/** pending: published, not yet signing. active: signs. retiring: published, signs no more. removed: gone, or killed. */
export type KeyState = "pending" | "active" | "retiring" | "removed";

/** How long a verifier may keep the JWK Set, in seconds: its `max-age`, and as long as `jose` keeps one by default. */
export const JWKS_MAX_AGE: Seconds = 600;

/** How far the clocks of two machines may be apart. */
export const MAX_CLOCK_SKEW: Seconds = 60;

/** How long a key is public before it signs: until whoever fetched the set a moment earlier must fetch it anew. */
export const PUBLISH_AHEAD: Seconds = JWKS_MAX_AGE + MAX_CLOCK_SKEW;

/** A key, the state that it is in, and when it leaves the last two states; `undefined` where that is not settled yet. */
export type KeyLife<Key extends KeyTimes> = { key: Key; state: KeyState; retiresAt?: Seconds; removedAt?: Seconds };

/** Works out the life of every key. Takes them in the order in which they were added, and so sign. */
export function livesOf<Key extends KeyTimes>(keys: readonly Key[], policy: KeyPolicy, now: Seconds): KeyLife<Key>[] {
  return keys.map((key, at) => {
    // A killed key still marks when the one before it stopped: nothing that was removed comes back.
    const [next] = successionOf(keys.slice(at + 1));
    return lifeOf(key, next?.activatesAt, { policy, now });
  });
}

function lifeOf<Key extends KeyTimes>(
  key: Key,
  retiresAt: Seconds | undefined,
  { policy, now }: { policy: KeyPolicy; now: Seconds },
): KeyLife<Key> {
  if (key.killedAt !== undefined) return { key, state: "removed" };
  if (retiresAt === undefined) return { key, state: key.activatesAt <= now ? "active" : "pending" };
  const removedAt = retiresAt + policy.maxTtl + MAX_CLOCK_SKEW;
  return { key, state: stateBetween({ key, retiresAt, removedAt, now }), retiresAt, removedAt };
}

function stateBetween(life: { key: KeyTimes; retiresAt: Seconds; removedAt: Seconds; now: Seconds }): KeyState {
  if (life.now < life.key.activatesAt) return "pending";
  if (life.now < life.retiresAt) return "active";
  return life.now < life.removedAt ? "retiring" : "removed";
}

/**
 * Says which key ought to be made, or `undefined` while it is too early for the next. It is made
 * {@link PUBLISH_AHEAD} before the last one has signed for long enough, or as soon as that is past;
 * and at once where the last one is not of the wanted algorithm.
 */
export function dueKey<Key extends KeyTimes & { alg: string }>(
  keys: readonly Key[],
  { alg, ...policy }: KeyPolicy & { alg: string },
  now: Seconds,
): WantedKey | undefined {
  const last = successionOf(keys).at(-1);
  if (last === undefined) return { follows: "", activatesAt: now };
  if (last.activatesAt > now) return undefined;
  const due = last.alg === alg ? last.activatesAt + policy.rotation : now;
  return now < due - PUBLISH_AHEAD ? undefined : { follows: last.kid, activatesAt: Math.max(due, now + PUBLISH_AHEAD) };
}
