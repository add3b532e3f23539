/** A source of choices that are always the same for the same seed. */
export type Random = {
  /** A whole number from 0 to 2^32 - 1. */
  next(): number;
  /** A whole number from 0 to below a limit. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
};

/** Makes a source of choices by the sfc32 generator, whose state is 128 bits. Of no use for secrets. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9, 0x243f6a88, 1];

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  // Seeds that differ by one bit give like numbers at first.
  for (let round = 0; round < 16; round += 1) next();
  const below = (limit: number) => next() % limit;
  return {
    next,
    below,
    chance: (probability) => next() < probability * 2 ** 32,
    pick(items) {
      if (items.length === 0) throw new RangeError("There is nothing to pick from");
      return items[below(items.length)] as (typeof items)[number];
    },
  };
}
