import type { Seconds } from "../time.ts";
import { type KeyRequest, type KeyTimes, successionOf, wasActive } from "./succession.ts";

export type KeyPolicy = {
  /** How long a key signs. */
  rotation: Seconds;
  /** Longest lifetime of a token. */
  maxTtl: Seconds;
};

/** pending: published, not yet signing. active: signs; one always does. retiring: published, signs no more. removed: gone, or killed. */
export type KeyState = "pending" | "active" | "retiring" | "removed";

/** How long a verifier may keep the JWK Set, in seconds: its `max-age`, and as long as `jose` keeps one by default. */
export const JWKS_MAX_AGE: Seconds = 600;

/** How far the clocks of two machines may be apart. */
export const MAX_CLOCK_SKEW: Seconds = 60;

/** How long a key is public before it signs: until whoever fetched the set a moment earlier must fetch it anew. */
export const PUBLISH_AHEAD: Seconds = JWKS_MAX_AGE + MAX_CLOCK_SKEW;

/** A key, the state that it is in, and when it leaves the last two states; `undefined` where that is not settled yet. */
export type KeyTimeline<Key extends KeyTimes> = { key: Key; state: KeyState; retiresAt?: Seconds; removedAt?: Seconds };

/** Works out the life of every key. Takes them in the order in which they were added, and so sign. */
export function statesAt<Key extends KeyTimes>(
  keys: readonly Key[],
  policy: KeyPolicy,
  now: Seconds,
): KeyTimeline<Key>[] {
  let retiresAt: Seconds | undefined;
  const lives = keys.toReversed().map((key) => {
    const life = timelineOf(key, retiresAt, { policy, now });
    // A killed key still marks when the one before it stopped: nothing that was removed comes back.
    if (wasActive(key)) retiresAt = key.activatesAt;
    return life;
  });
  return ensureSigningKey(lives.reverse());
}

/** A clock that was set back, or is behind the one that a key was killed by, may find nobody's turn: then the next one signs. */
function ensureSigningKey<Key extends KeyTimes>(lives: KeyTimeline<Key>[]): KeyTimeline<Key>[] {
  const next = lives.findIndex(({ state }) => state === "active" || state === "pending");
  return lives.map((life, at) => (at === next ? { ...life, state: "active" } : life));
}

function timelineOf<Key extends KeyTimes>(
  key: Key,
  retiresAt: Seconds | undefined,
  { policy, now }: { policy: KeyPolicy; now: Seconds },
): KeyTimeline<Key> {
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
 * Says which key ought to sign next, or `undefined` while that is settled or it is too early for it. It is made
 * {@link PUBLISH_AHEAD} before the one that signs has signed for long enough, or as soon as that is past;
 * and at once where that one is not of the wanted algorithm. A next one that is there, but is to sign later than
 * that because of a clock that was ahead, is wanted again, and so is one while it is nobody's turn.
 */
export function dueKey<Key extends KeyTimes & { alg: string }>(
  keys: readonly Key[],
  { alg, ...policy }: KeyPolicy & { alg: string },
  now: Seconds,
): KeyRequest | undefined {
  const succession = successionOf(keys);
  const turn = succession.findLastIndex(({ activatesAt }) => activatesAt <= now);
  const current = succession[turn];
  if (current === undefined || current.killedAt !== undefined) return { follows: current?.kid ?? "", activatesAt: now };
  const due = current.alg === alg ? current.activatesAt + policy.rotation : now;
  if (now < due - PUBLISH_AHEAD) return undefined;
  const activatesAt = Math.max(due, now + PUBLISH_AHEAD);
  const next = succession.slice(turn + 1).find(({ killedAt }) => killedAt === undefined);
  // Clocks that are apart as they may be are no reason to move a key.
  if (next !== undefined && next.activatesAt <= activatesAt + MAX_CLOCK_SKEW) return undefined;
  return { follows: current.kid, activatesAt };
}
