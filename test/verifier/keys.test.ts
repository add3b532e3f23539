import { beforeAll, describe, expect, it } from "vitest";
import { publish, snapshot, trusted, update } from "../support/feed.ts";
import { forge, openPairForge, type PairForge } from "../support/forge.ts";
import { NOW } from "../support/service.ts";
import { follow, healthy, verdictOf } from "../support/verifier.ts";

let [by, next]: PairForge[] = [];
beforeAll(async () => {
  [by, next] = await Promise.all([openPairForge("ES256"), openPairForge("EdDSA")]);
});

const pair = () => {
  if (by === undefined || next === undefined) throw new Error("The keys are not made yet");
  return { by, next, published: [by, next].map(({ stored }) => JSON.parse(stored.publicJwk) as object) };
};

describe("the keys of a verifier that follows the feed", () => {
  it("are trusted until the time of their removal", async () => {
    const { by } = pair();
    await using followed = await follow([({ send }) => send(snapshot([by], { keys: trusted([by], NOW + 10) }))]);
    const { verifier, clock } = followed;
    const token = forge(by);
    await verifier.ready;
    clock.now = NOW + 9;
    expect(await verdictOf(verifier.verify(token))).toBe("accepted");
    clock.now = NOW + 10;
    expect(await verdictOf(verifier.verify(token))).toBe("invalid_token");
  });

  it("are replaced by those of an update, also for a cached token", async () => {
    const { by, next } = pair();
    await using followed = await follow([healthy(by)]);
    const { verifier, feed } = followed;
    await verifier.ready;
    expect(await verdictOf(verifier.verify(forge(by)))).toBe("accepted");
    feed.connections[0]?.send(update({ keys: trusted([next]) }));
    await expect.poll(() => verdictOf(verifier.verify(forge(next)))).toBe("accepted");
    expect(await verdictOf(verifier.verify(forge(by)))).toBe("invalid_token");
  });

  it("are imported one by one: an invalid key does not affect the others", async () => {
    const { by } = pair();
    const secret = { kty: "oct", kid: "secret", alg: "HS256", use: "sig", k: "c2VjcmV0" };
    const keys = [{ jwk: secret }, { jwk: {} }, ...trusted([by])];
    await using followed = await follow([({ send }) => send(snapshot([], { keys }))]);
    await followed.verifier.ready;
    expect(await verdictOf(followed.verifier.verify(forge(by)))).toBe("accepted");
  });

  it("may be newer than the feed, and are then fetched once for all concurrent calls", async () => {
    const { by, next, published } = pair();
    await using followed = await follow([healthy(by)]);
    const { verifier, feed } = followed;
    feed.answer.jwks = publish(published);
    await verifier.ready;
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdictOf(verifier.verify(forge(next)))));
    expect([new Set(verdicts), feed.answer.asked]).toEqual([new Set(["accepted"]), 1]);
  });

  it("are fetched at most once a second, whatever tokens are sent", async () => {
    const { by } = pair();
    await using followed = await follow([healthy(by)]);
    const { verifier, feed } = followed;
    await verifier.ready;
    for (let at = 0; at < 50; at += 1) {
      const token = forge(by, { header: { alg: "ES256", typ: "at+jwt", kid: `unknown${at}` } });
      expect(await verdictOf(verifier.verify(token))).toBe("invalid_token");
    }
    expect(feed.answer.asked).toBe(1);
  });

  it("that were fetched are trusted until the feed next sends keys, or for 30 s", async () => {
    const { by, next, published } = pair();
    await using followed = await follow([healthy(by)]);
    const { verifier, feed, clock } = followed;
    feed.answer.jwks = publish(published);
    await verifier.ready;
    const verdict = () => verdictOf(verifier.verify(forge(next)));
    expect(await verdict()).toBe("accepted");
    feed.answer.jwks = publish([]);
    clock.now = NOW + 30;
    expect(await verdict()).toBe("invalid_token");
    clock.now = NOW;
    expect(await verdict()).toBe("accepted");
    feed.connections[0]?.send(update({ keys: trusted([by]) }));
    await expect.poll(verdict).toBe("invalid_token");
  });

  it("are not restored from a JWK Set once the feed has removed them, nor from a delayed one", async () => {
    const { by, next, published } = pair();
    await using followed = await follow([healthy(by)]);
    const { verifier, feed } = followed;
    await verifier.ready;
    feed.answer.jwks = (request, response) => {
      feed.connections[0]?.send(update({ keys: trusted([]) }));
      setTimeout(() => publish(published)(request, response), 100);
    };
    expect(await verdictOf(verifier.verify(forge(next)))).toBe("invalid_token");
    expect(feed.answer.asked).toBe(1);
    feed.answer.jwks = publish(published);
    await expect.poll(() => verdictOf(verifier.verify(forge(next))), { interval: 100, timeout: 3000 }).toBe("accepted");
    expect(await verdictOf(verifier.verify(forge(by)))).toBe("invalid_token");
  });

  it.each([
    ["too long", "x".repeat(2_000_000)],
    ["no JSON", "{"],
    ["no JWK Set", '{"keys":{}}'],
  ])("are not taken from a response that is %s", async (_, body) => {
    const { by, next } = pair();
    await using followed = await follow([healthy(by)]);
    const { verifier, feed } = followed;
    feed.answer.jwks = (_, response) => response.writeHead(200).end(body);
    await verifier.ready;
    expect(await verdictOf(verifier.verify(forge(next)))).toBe("invalid_token");
    expect(await verdictOf(verifier.verify(forge(by)))).toBe("accepted");
  });
});
