/** Random choices, the same for the same seed. */
export type Random = {
  /** A whole number from 0 to 2^32 - 1. */
  next(): number;
  /** A whole number from 0 to below a limit. */
  below(limit: number): number;
  /** At least 0, below 1. */
  part(): number;
  /** A number, at least `from` and below `to`. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** Some of the items, each at most once. */
  sample<Item>(items: readonly Item[], count: number): Item[];
  /** A name, with a probability in proportion to its weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** A separate source, independent of how many choices another part makes. */
  fork(): Random;
};

/** The sfc32 generator with 128 bits of state. Not for secrets. */
export function createRandom(seed: number): Random {
  const next = createGenerator(seed);
  const below = (limit: number) => next() % limit;
  const part = () => next() / 2 ** 32;
  return {
    next,
    below,
    part,
    between: (from, to) => from + part() * (to - from),
    chance: (probability) => part() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError("There is nothing to pick from");
      return items[below(items.length)] as (typeof items)[number];
    },
    sample(items, count) {
      const left = [...items];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)).flat();
    },
    weighted(weights) {
      const names = Object.keys(weights) as (keyof typeof weights)[];
      let left = part() * names.reduce((sum, name) => sum + weights[name], 0);
      for (const name of names) {
        left -= weights[name];
        if (left < 0) return name;
      }
      return names.at(-1) as (typeof names)[number];
    },
    fork: () => createRandom(next()),
  };
}

function createGenerator(seed: number): () => number {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9, 0x243f6a88, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // The first numbers of seeds that differ by one bit are alike.
  for (let round = 0; round < 16; round += 1) next();
  return next;
}
