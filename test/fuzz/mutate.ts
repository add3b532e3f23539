import type { Random } from "../support/random.ts";
import { dictionary } from "./dictionary.ts";

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

/** The longest range that is cut out or doubled. */
const RANGE = 40;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const changed = Buffer.from(bytes);
    const at = random.below(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    return changed;
  },
  function setByte(bytes, random) {
    const changed = Buffer.from(bytes);
    changed[random.below(changed.length)] = random.below(256);
    return changed;
  },
  function insertByte(bytes, random) {
    return replace(bytes, { at: random.below(bytes.length + 1), length: 0, by: Buffer.of(random.below(256)) });
  },
  function insertWord(bytes, random) {
    return replace(bytes, { at: random.below(bytes.length + 1), length: 0, by: random.pick(dictionary) });
  },
  function replaceByWord(bytes, random) {
    return replace(bytes, { ...rangeOf(bytes, random), by: random.pick(dictionary) });
  },
  function cut(bytes, random) {
    return replace(bytes, { ...rangeOf(bytes, random), by: Buffer.alloc(0) });
  },
  function double(bytes, random) {
    const { at, length } = rangeOf(bytes, random);
    return replace(bytes, { at, length: 0, by: bytes.subarray(at, at + length) });
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length));
  },
  function splice(bytes, random, other) {
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  function copyFrom(bytes, random, other) {
    if (other.length === 0) return bytes;
    const { at, length } = rangeOf(other, random);
    return replace(bytes, { ...rangeOf(bytes, random), by: other.subarray(at, at + length) });
  },
];

/** Changes bytes in one to four places, sometimes with a part of other bytes. */
export function mutate(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let changed = bytes;
  for (let rounds = 1 + (random.chance(0.4) ? random.below(4) : 0); rounds > 0; rounds -= 1) {
    if (changed.length > 0) changed = random.pick(MUTATIONS)(changed, random, other);
  }
  return changed;
}

function rangeOf(bytes: Buffer, random: Random): { at: number; length: number } {
  const at = random.below(bytes.length);
  return { at, length: 1 + random.below(Math.min(RANGE, bytes.length - at)) };
}

function replace(bytes: Buffer, { at, length, by }: { at: number; length: number; by: Buffer }): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)]);
}
