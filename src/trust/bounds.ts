import type { Seconds } from "../time.ts";
import { sequenceOf } from "../token/jti.ts";

export type Bounds = {
  /** Revokes what was issued before an event. Of several bounds the latest counts. */
  raise(id: string, bound: { to: number; until: Seconds }): void;
  has(id: string): boolean;
  /** Whether a token of this id was issued before its bound. */
  isBelow(id: string, jti: string): boolean;
  size(): number;
  /** Lets go of bounds that matter no more from a moment on. */
  forget(before: Seconds): void;
};

/** Up to which event whatever was issued to somebody is revoked. */
export function createBounds(): Bounds {
  const bounds = new Map<string, number>();
  /** In the order in which they come to matter no more, or nearly: lifetimes are alike. */
  let ends: { id: string; bound: number; until: Seconds }[] = [];

  return {
    raise(id, { to: bound, until }) {
      if (bound <= (bounds.get(id) ?? -1)) return;
      bounds.set(id, bound);
      ends.push({ id, bound, until });
    },
    has: (id) => bounds.has(id),
    isBelow(id, jti) {
      const bound = bounds.get(id);
      return bound !== undefined && sequenceOf(jti) < bound;
    },
    size: () => bounds.size,
    forget(before) {
      if (ends.every(({ until }) => until >= before)) return;
      for (const { id, bound, until } of ends) if (until < before && bounds.get(id) === bound) bounds.delete(id);
      ends = ends.filter(({ until }) => until >= before);
    },
  };
}
