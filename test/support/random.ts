/** A source of choices that are always the same for the same seed. */
export type Random = {
  /** A whole number from 0 to 2^32 - 1. */
  next(): number;
  /** A whole number from 0 to below a limit. */
  below(limit: number): number;
  /** At least 0, below 1, as of `Math.random`. */
  part(): number;
  /** A number, at least `from` and below `to`. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** Some of the items, each at most once. */
  sample<Item>(items: readonly Item[], count: number): Item[];
  /** A name, as often as it weighs among the others. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** A source of its own for a part of the work, so that how much another part takes does not change it. */
  fork(): Random;
};

/** Makes a source of choices by the sfc32 generator, whose state is 128 bits. Of no use for secrets. */
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
  // Seeds that differ by one bit give like numbers at first.
  for (let round = 0; round < 16; round += 1) next();
  return next;
}
