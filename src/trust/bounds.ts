import type { Seconds } from "../time.ts";
import { sequenceOf } from "../token/jti.ts";

export type Bounds = {
  /** Revokes what was issued before an event. The latest bound of an id applies, until the end of its longest one. */
  raise(id: string, bound: { to: number; until: Seconds }): void;
  has(id: string): boolean;
  /** Whether a later event raised the bound of this id. */
  isRaisedAfter(id: string, sequence: number): boolean;
  /** Whether a token of this id was issued before its bound. */
  isBelow(id: string, jti: string): boolean;
  size(): number;
  /** The current bounds. */
  all(): Bound[];
  /** Deletes bounds that end before a moment. */
  forget(before: Seconds): void;
};

type Bound = { id: string; to: number; until: Seconds };

/** The bounds of subjects, clients or sessions: tokens issued before the event `to` are revoked, until `until`. */
export function createBounds(): Bounds {
  const bounds = new Map<string, Bound>();
  /** All bounds, replaced ones included, about in the order of their ends. */
  let ends: Bound[] = [];

  return {
    raise(id, { to, until }) {
      const known = bounds.get(id) ?? { to: -1, until: 0 };
      if (to <= known.to && until <= known.until) return;
      // A later bound may end sooner, after lifetimes were shortened: older tokens are still valid.
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
