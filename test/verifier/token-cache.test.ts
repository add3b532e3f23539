import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createTokenCache, type TokenCache } from "../../src/verifier/token-cache.ts";
import { heapInUse } from "../support/heap.ts";

const TAIL = randomBytes(64).toString("base64url");
/** The same token, cut out of a header of 15 KB. */
function cutOut(token: string): string {
  const header = Buffer.from(`Bearer${" ".repeat(15_000)}${token}`).toString();
  return /\S+$/.exec(header)?.[0] ?? "";
}

function keepAll(cache: TokenCache<number>, tokens: readonly string[], from = (token: string) => token) {
  for (const token of tokens) for (let times = 0; times < 2; times += 1) cache.set(from(token), 1);
}

const makeToken = (start = "e30") => `${start}.e30.${randomBytes(64).toString("base64url")}`;

describe("the cache of verified tokens", () => {
  it("caches a token on its second use", () => {
    const cache = createTokenCache<string>();
    const token = makeToken();
    cache.set(token, "claims");
    expect(cache.get(token)).toBeUndefined();
    cache.set(token, "claims");
    expect(cache.get(token)).toBe("claims");
  });

  it("compares the whole token, not only its end", () => {
    const cache = createTokenCache<string>();
    for (let times = 0; times < 2; times += 1) cache.set(`good.claims.${TAIL}`, "claims");
    expect(cache.get(`evil.claims.${TAIL}`)).toBeUndefined();
    expect(cache.get(`good.claims.${TAIL}`)).toBe("claims");
  });

  it("retains hot tokens while a million others are used once", () => {
    const cache = createTokenCache<number>();
    const regulars = Array.from({ length: 100 }, () => makeToken());
    keepAll(cache, regulars);
    const found = new Set<string>();
    const start = `e30.e30.${"z".repeat(79)}`;
    for (let at = 0; at < 1_000_000; at += 1) cache.set(`${start}${at.toString(36).padStart(7, "z")}`, 0);
    for (const token of regulars) if (cache.get(token) === 1) found.add(token);
    expect(found.size).toBe(regulars.length);
  });

  it("drops a token that was unused for two generations", () => {
    const cache = createTokenCache<number>();
    const idle = makeToken();
    const busy = makeToken();
    const keep = (token: string) => {
      cache.set(token, 1);
      cache.set(token, 1);
    };
    keep(idle);
    keep(busy);
    for (let at = 0; at < 10_001; at += 1) {
      keep(makeToken());
      if (at % 1000 === 0) cache.get(busy);
    }
    expect([cache.get(idle), cache.get(busy)]).toEqual([undefined, 1]);
  });

  it("has at most 8 MB of text, however long the tokens", () => {
    const cache = createTokenCache<number>();
    const tokens = Array.from({ length: 1500 }, () => makeToken("e".repeat(7900)));
    keepAll(cache, tokens);
    const kept = tokens.filter((token) => cache.get(token) !== undefined);
    expect(kept.length * 8000).toBeLessThan(9 * 1024 * 1024);
    expect(kept.length).toBeGreaterThan(500);
  });

  it("retains nothing of the header that a token was cut out of, on insertion and on promotion", async () => {
    const cache = createTokenCache<number>();
    const tokens = Array.from({ length: 1000 }, () => makeToken());
    const others = Array.from({ length: 5000 }, () => makeToken());
    const before = await heapInUse();
    keepAll(cache, tokens, cutOut);
    expect((await heapInUse()) - before).toBeLessThan(3_000_000);
    keepAll(cache, others);
    const full = await heapInUse();
    for (const token of tokens) expect(cache.get(cutOut(token))).toBe(1);
    expect((await heapInUse()) - full).toBeLessThan(3_000_000);
  });
});
