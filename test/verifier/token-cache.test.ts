import { expect, it } from "vitest";
import { createTokenCache } from "../../src/verifier/token-cache.ts";
import { heapInUse } from "../support/heap.ts";

const token = (at: number) => `${"a".repeat(300)}.${String(at).padStart(86, "b")}`;

it("a cache of tokens finds each by all of its text, and none by its end alone", () => {
  const cache = createTokenCache<number>();
  for (let at = 0; at < 100; at += 1) cache.set(token(at), at);
  expect(cache.get(token(7))).toBe(7);
  expect(cache.get(`b${token(7).slice(1)}`)).toBeUndefined();
});

it("a cache of tokens lets go of those that were not asked for while it was filled twice", () => {
  const cache = createTokenCache<number>();
  for (let at = 0; at < 15_000; at += 1) {
    cache.set(token(at), at);
    cache.get(token(3));
  }
  expect(cache.get(token(3))).toBe(3);
  expect(cache.get(token(4))).toBeUndefined();
});

/** The same token as it is read out of a header of 15 KB. */
function cutOut(token: string): string {
  const header = Buffer.from(`Bearer${" ".repeat(15_000)}${token}`).toString();
  return /\S+$/.exec(header)?.[0] ?? "";
}

it("a cache of tokens keeps nothing of the header that each was cut out of, be it new or asked for again", async () => {
  const cache = createTokenCache<number>();
  const before = await heapInUse();
  for (let at = 0; at < 1000; at += 1) cache.set(cutOut(token(at)), at);
  expect((await heapInUse()) - before).toBeLessThan(3_000_000);
  for (let at = 1000; at < 6000; at += 1) cache.set(token(at), at);
  const full = await heapInUse();
  for (let at = 0; at < 1000; at += 1) expect(cache.get(cutOut(token(at)))).toBe(at);
  expect((await heapInUse()) - full).toBeLessThan(3_000_000);
});
