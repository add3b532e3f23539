import type { Seconds } from "../time.ts";
import { type KeyRequest, type KeyTimes, successionOf, wasActive } from "./succession.ts";

export type KeyPolicy = {
  /** How long a key signs. */
  rotation: Seconds;
  /** Longest lifetime of a token. */
  maxTtl: Seconds;
};

/** pending: published, not signing yet. active: signs; exactly one. retiring: published, no longer signing. removed: not published, or revoked. */
export type KeyState = "pending" | "active" | "retiring" | "removed";

/** How long a verifier may cache the JWK Set: its `max-age`, and the default of `jose`. */
export const JWKS_MAX_AGE: Seconds = 600;

/** Largest difference of two clocks. */
export const MAX_CLOCK_SKEW: Seconds = 60;

/** How long a key is published before it signs: every cached JWK Set without it has expired by then. */
export const PUBLISH_AHEAD: Seconds = JWKS_MAX_AGE + MAX_CLOCK_SKEW;

/** A key with its state, and when it retires and is removed. Both are `undefined` while it has no successor. */
export type KeyTimeline<Key extends KeyTimes> = { key: Key; state: KeyState; retiresAt?: Seconds; removedAt?: Seconds };

/** The state of every key at a moment. Takes the keys in the order of addition, which is that of signing. */
export function statesAt<Key extends KeyTimes>(
  keys: readonly Key[],
  policy: KeyPolicy,
  now: Seconds,
): KeyTimeline<Key>[] {
  let retiresAt: Seconds | undefined;
  const timelines = keys.toReversed().map((key) => {
    const timeline = timelineOf(key, retiresAt, { policy, now });
    // Revoked keys included: their predecessor stays retired or removed.
    if (wasActive(key)) retiresAt = key.activatesAt;
    return timeline;
  });
  return ensureSigningKey(timelines.reverse());
}

/** By a clock that is behind, no key may be active: then the next one signs. */
function ensureSigningKey<Key extends KeyTimes>(timelines: KeyTimeline<Key>[]): KeyTimeline<Key>[] {
  const next = timelines.findIndex(({ state }) => state === "active" || state === "pending");
  return timelines.map((timeline, at) => (at === next ? { ...timeline, state: "active" } : timeline));
}

function timelineOf<Key extends KeyTimes>(
  key: Key,
  retiresAt: Seconds | undefined,
  { policy, now }: { policy: KeyPolicy; now: Seconds },
): KeyTimeline<Key> {
  if (key.killedAt !== undefined) return { key, state: "removed" };
  if (retiresAt === undefined) return { key, state: key.activatesAt <= now ? "active" : "pending" };
  const removedAt = retiresAt + policy.maxTtl + MAX_CLOCK_SKEW;
  return { key, state: stateBetween(key, { retiresAt, removedAt }, now), retiresAt, removedAt };
}

type Ends = { retiresAt: Seconds; removedAt: Seconds };

function stateBetween({ activatesAt }: KeyTimes, { retiresAt, removedAt }: Ends, now: Seconds): KeyState {
  if (now < activatesAt) return "pending";
  if (now < retiresAt) return "active";
  return now < removedAt ? "retiring" : "removed";
}

/**
 * The key to generate now, or `undefined`. The next key is due {@link PUBLISH_AHEAD} before the end of the rotation period
 * of the active one, or at once where the active one has another algorithm or no key is active. It is requested again where
 * a pending one signs too late, because a clock was ahead.
 */
export function dueKey<Key extends KeyTimes & { alg: string }>(
  keys: readonly Key[],
  { alg, ...policy }: KeyPolicy & { alg: string },
  now: Seconds,
): KeyRequest | undefined {
  const succession = successionOf(keys);
  const active = succession.findLastIndex(({ activatesAt }) => activatesAt <= now);
  const current = succession[active];
  if (current === undefined || current.killedAt !== undefined) return { follows: current?.kid ?? "", activatesAt: now };
  const due = current.alg === alg ? current.activatesAt + policy.rotation : now;
  if (now < due - PUBLISH_AHEAD) return undefined;
  const activatesAt = Math.max(due, now + PUBLISH_AHEAD);
  const next = succession.slice(active + 1).find(({ killedAt }) => killedAt === undefined);
  // The usual clock skew is no reason to move a key.
  if (next !== undefined && next.activatesAt <= activatesAt + MAX_CLOCK_SKEW) return undefined;
  return { follows: current.kid, activatesAt };
}
