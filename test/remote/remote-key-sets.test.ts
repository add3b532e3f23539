import { describe, expect, it } from "vitest";
import { isLoopbackAddress } from "../../src/remote/addresses.ts";
import { createDocumentFetcher, type FetchedDocument } from "../../src/remote/document-fetcher.ts";
import type { FetchFailure } from "../../src/remote/guarded-exchange.ts";
import {
  createRemoteKeySets,
  type KeySetFailure,
  type RemoteKeySetsOptions,
} from "../../src/remote/remote-key-sets.ts";
import type { JsonObject } from "../../src/token/json.ts";
import { readJwk } from "../support/damage.ts";
import { serveDocuments } from "../support/document-server.ts";
import { openPairForge, type PairForge } from "../support/forge.ts";

const URL_OF_KEYS = "https://ci.example/jwks.json";
const [first, second, third] = await Promise.all([
  openPairForge("ES256"),
  openPairForge("ES256"),
  openPairForge("EdDSA"),
]);

const setOf = (...forges: PairForge[]) =>
  ({ keys: forges.map(({ stored }) => readJwk(stored.publicJwk)) }) as JsonObject;
const fetched = (document: JsonObject, lifetime = 300): FetchedDocument => ({ outcome: "fetched", document, lifetime });
const UNREACHABLE: FetchFailure = { outcome: "failed", reason: "unreachable", detail: "ECONNREFUSED" };

/** Key sets by a stopped clock, from a server whose next answers are settled. */
function openKeySets(options: Partial<RemoteKeySetsOptions> = {}) {
  const state = { now: 0, answer: fetched(setOf(first)) as FetchedDocument | FetchFailure };
  const fetches: string[] = [];
  const failures: [string, KeySetFailure][] = [];
  const sets = createRemoteKeySets({
    async fetchDocument(url) {
      fetches.push(url);
      return state.answer;
    },
    onFailure: (...failure) => failures.push(failure),
    monotonic: () => state.now * 1000,
    ...options,
  });
  const find = async ({ alg, kid }: PairForge, url = URL_OF_KEYS) => {
    const key = await sets.lookupAt(url)({ alg, kid });
    return typeof key === "string" ? key : key.kid;
  };
  return { state, fetches, failures, find };
}

describe("createRemoteKeySets", () => {
  it("fetches the keys of a URL once in their lifetime", async () => {
    const { state, fetches, find } = openKeySets();
    for (const now of [0, 1, 299]) {
      state.now = now;
      expect(await find(first)).toBe(first.kid);
    }
    expect(fetches).toEqual([URL_OF_KEYS]);
    state.now = 300;
    await find(first);
    expect(fetches).toHaveLength(2);
  });

  it("finds cached keys while a fetch takes long, and what it brings afterwards", async () => {
    const answers = [Promise.resolve(fetched(setOf(first)))];
    const { state, find } = openKeySets({ fetchDocument: async () => (await answers.shift()) ?? UNREACHABLE });
    await find(first);
    let answer = (_: FetchedDocument) => {};
    const slow = new Promise<FetchedDocument>((resolve) => {
      answer = resolve;
    });
    answers.push(slow);
    state.now = 300;
    const during = await Promise.all([find(first), find(second)]);
    expect(during).toEqual([first.kid, "keys_unavailable"]);
    answer(fetched(setOf(second)));
    await slow;
    expect(await find(second)).toBe(second.kid);
    expect(await find(first)).toBe("unknown_key");
  });

  it("fetches keys again after an hour, though they may be cached for a day", async () => {
    const { state, fetches, find } = openKeySets();
    state.answer = fetched(setOf(first), 86_400);
    for (const now of [0, 3599, 3600]) {
      state.now = now;
      await find(first);
    }
    expect(fetches).toHaveLength(2);
  });

  it("forgets a withdrawn key with the next fetch", async () => {
    const { state, find } = openKeySets();
    await find(first);
    state.answer = fetched(setOf(second));
    state.now = 299;
    expect(await find(first)).toBe(first.kid);
    state.now = 300;
    expect(await find(first)).toBe("unknown_key");
    expect(await find(second)).toBe(second.kid);
  });

  it("forgets all keys where the set is empty", async () => {
    const { state, find } = openKeySets();
    await find(first);
    state.answer = fetched({ keys: [] });
    state.now = 300;
    expect(await find(first)).toBe("unknown_key");
  });

  it("fetches for an unknown kid, at most once in 30 s", async () => {
    const { state, fetches, find } = openKeySets();
    expect(await find(second)).toBe("unknown_key");
    expect(fetches).toHaveLength(1);
    state.answer = fetched(setOf(first, second));
    state.now = 29;
    expect(await find(second)).toBe("unknown_key");
    state.now = 30;
    expect(await find(second)).toBe(second.kid);
    for (let count = 0; count < 50; count += 1) await find(third);
    expect(fetches).toHaveLength(2);
    state.now = 60;
    for (let count = 0; count < 50; count += 1) await find(third);
    expect(fetches).toHaveLength(3);
  });

  it("shares a fetch among concurrent lookups", async () => {
    const { fetches, find } = openKeySets();
    const kids = await Promise.all([find(first), find(first), find(second), find(first)]);
    expect(kids).toEqual([first.kid, first.kid, "unknown_key", first.kid]);
    expect(fetches).toHaveLength(1);
  });

  it("uses cached keys for an hour after their lifetime while fetches fail, and reports each failure", async () => {
    const { state, fetches, failures, find } = openKeySets();
    await find(first);
    state.answer = UNREACHABLE;
    for (const now of [300, 329, 330, 3899]) {
      state.now = now;
      expect(await find(first)).toBe(first.kid);
    }
    expect(fetches).toHaveLength(4);
    expect(failures).toEqual(Array(3).fill([URL_OF_KEYS, UNREACHABLE]));
    state.now = 3900;
    expect(await find(first)).toBe("keys_unavailable");
    state.now = 4000;
    state.answer = fetched(setOf(first));
    expect(await find(first)).toBe(first.kid);
  });

  it("keeps its keys where the fetch for an unknown kid fails", async () => {
    const { state, find } = openKeySets();
    await find(first);
    state.answer = UNREACHABLE;
    state.now = 40;
    expect(await find(second)).toBe("unknown_key");
    expect(await find(first)).toBe(first.kid);
  });

  it("has no keys after a failed first fetch, and tries again after 30 s", async () => {
    const { state, fetches, find } = openKeySets();
    state.answer = UNREACHABLE;
    expect(await find(first)).toBe("keys_unavailable");
    state.answer = fetched(setOf(first));
    state.now = 29;
    expect(await find(first)).toBe("keys_unavailable");
    expect(fetches).toHaveLength(1);
    state.now = 30;
    expect(await find(first)).toBe(first.kid);
  });

  it.each([{}, { keys: {} }, { keys: [1] }])("reports a document that is no JWK Set: %j", async (document) => {
    const { state, failures, find } = openKeySets();
    state.answer = fetched(document);
    expect(await find(first)).toBe("keys_unavailable");
    expect(failures).toEqual([[URL_OF_KEYS, { outcome: "failed", reason: "not_a_jwk_set" }]]);
  });

  it("finds no key of another URL", async () => {
    const { state, find } = openKeySets();
    expect(await find(first, "https://a.example/jwks.json")).toBe(first.kid);
    state.answer = fetched(setOf(second));
    expect(await find(first, "https://b.example/jwks.json")).toBe("unknown_key");
    expect(await find(second, "https://a.example/jwks.json")).toBe("unknown_key");
  });

  it("drops the least recently used URL", async () => {
    const { fetches, find } = openKeySets({ maxUrls: 2 });
    for (const name of ["a", "b", "a", "c", "a", "b"]) await find(first, `https://${name}.example/`);
    expect(fetches.map((url) => new URL(url).hostname.at(0))).toEqual(["a", "b", "c", "b"]);
  });

  it("fetches from a server", async () => {
    let count = 0;
    await using server = await serveDocuments((_request, response) => {
      count += 1;
      response.setHeader("content-type", "application/jwk-set+json").end(JSON.stringify(setOf(first, third)));
    });
    const fetchDocument = createDocumentFetcher({ maxBytes: 65_536, isAllowed: isLoopbackAddress });
    const { find } = openKeySets({ fetchDocument });
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await Promise.all([find(first, url), find(third, url)])).toEqual([first.kid, third.kid]);
    expect(count).toBe(1);
  });
});
