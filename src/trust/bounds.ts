import type { Seconds } from "../time.ts";
import { sequenceOf } from "../token/jti.ts";

export type Bounds = {
  /** Revokes what was issued before an event. Of several bounds the latest counts, for as long as any of them. */
  raise(id: string, bound: { to: number; until: Seconds }): void;
  has(id: string): boolean;
  /** Whether the bound of this id was raised by a later event than one. */
  isRaisedAfter(id: string, sequence: number): boolean;
  /** Whether a token of this id was issued before its bound. */
  isBelow(id: string, jti: string): boolean;
  size(): number;
  /** Those that count. */
  all(): Bound[];
  /** Lets go of bounds that matter no more from a moment on. */
  forget(before: Seconds): void;
};

type Bound = { id: string; to: number; until: Seconds };

/** Up to which event whatever was issued to somebody is revoked. */
export function createBounds(): Bounds {
  const bounds = new Map<string, Bound>();
  /** Those and the ones that they stand for, in the order in which they come to matter no more, or nearly. */
  let ends: Bound[] = [];

  return {
    raise(id, { to, until }) {
      const known = bounds.get(id) ?? { to: -1, until: 0 };
      if (to <= known.to && until <= known.until) return;
      // A later bound may end sooner, where lifetimes became shorter in between: the older tokens still live.
      const bound = { id, to: Math.max(to, known.to), until: Math.max(until, known.until) };
      bounds.set(id, bound);
      ends.push(bound);
    },
    has: (id) => bounds.has(id),
    isRaisedAfter: (id, sequence) => (bounds.get(id)?.to ?? 0) > sequence,
    isBelow(id, jti) {
      const bound = bounds.get(id);
      return bound !== undefined && sequenceOf(jti) < bound.to;
    },
    size: () => bounds.size,
    all: () => [...bounds.values()],
    forget(before) {
      if (ends.every(({ until }) => until >= before)) return;
      for (const bound of ends) if (bound.until < before && bounds.get(bound.id) === bound) bounds.delete(bound.id);
      ends = ends.filter(({ until }) => until >= before);
    },
  };
}
