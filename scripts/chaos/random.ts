/** Chances that are the same again for the same seed. */
export type Random = {
  /** At least 0, below 1. */
  next(): number;
  /** At least `from`, below `to`. */
  between(from: number, to: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** Some of the items, each at most once. */
  sample<Item>(items: readonly Item[], count: number): Item[];
  /** A name, as often as it weighs among the others. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** Chances of their own for a part of the work, so that how much another part takes does not change them. */
  fork(): Random;
};

/** Makes chances by Mulberry32, which is small and good enough to choose by. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (count: number) => Math.floor(next() * count);

  return {
    next,
    between: (from, to) => from + next() * (to - from),
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    sample(items, count) {
      const left = [...items];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)).flat();
    },
    weighted(weights) {
      const names = Object.keys(weights) as (keyof typeof weights)[];
      let left = next() * names.reduce((sum, name) => sum + weights[name], 0);
      for (const name of names) {
        left -= weights[name];
        if (left < 0) return name;
      }
      return names.at(-1) as (typeof names)[number];
    },
    fork: () => createRandom(below(2 ** 32)),
  };
}
