import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { ISSUER, NOW, openService } from "../support/service.ts";

/** Two services on one store, and how often the second has read the keys. */
async function openTwo() {
  const opened = await openService();
  const reads = { count: 0 };
  const store = {
    ...opened.store,
    listKeys() {
      reads.count += 1;
      return opened.store.listKeys();
    },
    watch: () => () => {},
  };
  const other = await createTokenService({ store, issuer: ISSUER, clock: () => NOW });
  return { one: opened.service, other, reads, [Symbol.asyncDispose]: opened[Symbol.asyncDispose] };
}

/** A token whose header has an unknown `kid`. */
function withRandomKid(token: string): string {
  const header = { alg: "ES256", typ: "at+jwt", kid: randomBytes(32).toString("base64url") };
  return [Buffer.from(JSON.stringify(header)).toString("base64url"), ...token.split(".").slice(1)].join(".");
}

describe("a server that has not read a rotation yet", () => {
  it("verifies a token of the new key at once", async () => {
    await using two = await openTwo();
    await two.one.keys.rotate(localCaller, { immediate: true });
    const { token } = await two.one.getToken(localCaller, { claims: {} });
    await expect(two.other.verifyToken({ token })).resolves.toMatchObject({ iss: ISSUER });
  });

  it("rejects tokens of a revoked key once it has read the revocation, without further reads", async () => {
    await using two = await openTwo();
    const { token } = await two.one.getToken(localCaller, { claims: {} });
    const [key] = two.one.jwks().keys;
    await two.one.keys.revoke(localCaller, key?.kid ?? "");
    await expect(two.one.verifyToken({ token })).rejects.toMatchObject({ reason: "invalid_token" });
    const { token: later } = await two.one.getToken(localCaller, { claims: {} });
    await expect(two.other.verifyToken({ token: later })).resolves.toBeDefined();
    const { count } = two.reads;
    await expect(two.other.verifyToken({ token })).rejects.toMatchObject({ reason: "invalid_token" });
    expect(two.reads.count).toBe(count);
  });
});

describe("a flood of tokens with random kids", () => {
  it("is refused, and reads the store at most ten times a second", async () => {
    await using two = await openTwo();
    const { token } = await two.one.getToken(localCaller, { claims: {} });
    const start = performance.now();
    const before = two.reads.count;
    for (let wave = 0; wave < 5; wave += 1) {
      const flood = Array.from({ length: 1000 }, () => two.other.verifyToken({ token: withRandomKid(token) }));
      for (const outcome of await Promise.allSettled(flood)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "invalid_token" } });
      }
    }
    const seconds = (performance.now() - start) / 1000;
    expect(two.reads.count - before).toBeLessThanOrEqual(10 * seconds + 1);
  });

  it("one after another waits for the read that the one before it has caused", async () => {
    await using two = await openTwo();
    const { token } = await two.one.getToken(localCaller, { claims: {} });
    const [before, start] = [two.reads.count, performance.now()];
    for (let asked = 0; asked < 8; asked += 1)
      await expect(two.other.verifyToken({ token: withRandomKid(token) })).rejects.toThrow();
    // A timer may fire a millisecond early: one more read is allowed.
    expect(two.reads.count - before).toBeLessThanOrEqual((performance.now() - start) / 100 + 2);
  });
});
