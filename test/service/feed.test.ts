import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { MintmarkError } from "../../src/errors.ts";
import { createTokenServer } from "../../src/index.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import { createTrustState } from "../../src/trust/trust-state.ts";
import type { TrustUpdate } from "../../src/trust/trust-update.ts";
import { NOW, openService } from "../support/service.ts";
import { callerOf, openWithClient } from "../support/with-client.ts";

/** Follows until the last update of a batch; returns the updates and the cursor. */
async function catchUp(service: TokenService, after?: string) {
  const updates: TrustUpdate[] = [];
  for await (const { cursor, update } of service.follow(localCaller, { after })) {
    updates.push(update);
    if (!update.more) return { updates, cursor };
  }
  throw new Error("the feed ended");
}

const aRevokedToken = (sequence: number) => ({
  kind: "token" as const,
  id: `jti-${sequence}`,
  sequence,
  until: NOW + 900,
});
const revoke = (service: TokenService, id: string) => service.revokeAll(localCaller, { kind: "subject", id });
const idsIn = (updates: TrustUpdate[]) => updates.flatMap(({ revocations = [] }) => revocations.map(({ id }) => id));

describe("the feed", () => {
  it("begins with a snapshot of the keys and of all revocations", async () => {
    await using opened = await openService();
    await revoke(opened.service, "ada");
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    await opened.service.revokeToken(localCaller, token);
    const { updates } = await catchUp(opened.service);
    expect(updates[0]).toMatchObject({ reset: true, more: true });
    const { epoch, sequence } = await opened.store.position();
    expect(updates.at(-1)).toMatchObject({ epoch, sequence, keys: [{ jwk: opened.service.jwks().keys[0] }] });
    const state = createTrustState();
    for (const update of updates) state.apply(update);
    expect(state.revocationReason(await claimsOf(token))).toBe("token_revoked");
    expect(state.size).toBe(2);
  });

  it("resumes after a cursor with the missed updates only", async () => {
    await using opened = await openService();
    await revoke(opened.service, "ada");
    const { cursor } = await catchUp(opened.service);
    for (const id of ["eve", "bob"]) await revoke(opened.service, id);
    const { updates } = await catchUp(opened.service, cursor);
    expect(updates.some(({ reset }) => reset)).toBe(false);
    expect(idsIn(updates)).toEqual(["eve", "bob"]);
  });

  it("begins with a snapshot after a cursor that is invalid, of another history or from the future", async () => {
    await using opened = await openService();
    const { epoch, sequence } = await opened.store.position();
    for (const after of ["", "x", "snapshot", `${epoch}:x`, `other:${sequence}`, `${epoch}:${sequence + 1}`])
      expect((await catchUp(opened.service, after)).updates[0], after).toMatchObject({ reset: true });
  });

  it("begins with a snapshot after a restart of the server: a backup may have been restored", async () => {
    await using opened = await openWithClient();
    const { cursor } = await catchUp(opened.service);
    await opened.restart();
    expect((await catchUp(opened.service, cursor)).updates[0]).toMatchObject({ reset: true });
  });

  it("sends a large snapshot in pieces, and misses no concurrent revocation", async () => {
    const many = Array.from({ length: 12_001 }, (_, at) => aRevokedToken(at + 1));
    await using opened = await openWithClient({
      wrap: (store) => ({
        ...store,
        position: async () => ({ ...(await store.position()), sequence: many.length }),
        listRevocations: async (after, limit) => many.slice(after, after + limit),
      }),
    });
    const state = createTrustState();
    const sizes: number[] = [];
    for await (const { update } of opened.service.follow(localCaller, {})) {
      state.apply(update);
      sizes.push(update.tokens?.flatMap(({ jtis }) => jtis).length ?? 0);
      if (sizes.length !== 2) {
        if (state.size === 12_002) break;
        continue;
      }
      many.push(aRevokedToken(12_002));
      await catchUp(opened.service);
    }
    expect(Math.max(...sizes)).toBe(5000);
    const claims = { sub: "ada", client_id: "orders", exp: NOW + 900 };
    for (const jti of ["jti-1", "jti-12001", "jti-12002"])
      expect(state.revocationReason({ ...claims, jti }), jti).toBe("token_revoked");
  });

  it("sends each revocation and each key as it happens", async () => {
    await using opened = await openService();
    const seen: TrustUpdate[] = [];
    const ending = new AbortController();
    const following = (async () => {
      for await (const { update } of opened.service.follow(localCaller, { signal: ending.signal })) seen.push(update);
    })();
    await vi.waitFor(() => expect(seen.at(-1)?.keys).toHaveLength(1));
    const { sequence } = await revoke(opened.service, "ada");
    await opened.service.keys.rotate(localCaller, { immediate: true });
    await vi.waitFor(() => expect(seen.at(-1)?.keys).toHaveLength(2));
    ending.abort();
    await following;
    expect(seen.find(({ revocations }) => revocations !== undefined)).toMatchObject({ sequence });
  });

  it("gives a revocation to every follower before it is acknowledged, as one object for all, and ends one that waits", async () => {
    await using opened = await openService();
    const feeds = Array.from({ length: 450 }, () => opened.service.follow(localCaller, {}));
    const catchUpWith = async (feed: (typeof feeds)[number]) => {
      for (let more: boolean | undefined = true; more; ) more = (await feed.next()).value?.update.more;
    };
    await Promise.all(feeds.map(catchUpWith));
    const received: (TrustUpdate | undefined)[] = [];
    for (const feed of feeds) void feed.next().then(({ value }) => received.push(value?.update));
    await revoke(opened.service, "ada");
    expect(received).toHaveLength(feeds.length);
    expect(new Set(received).size).toBe(1);
    expect(idsIn([received[0] as TrustUpdate])).toEqual(["ada"]);
    for (const feed of feeds) {
      const waiting = feed.next();
      await feed.return();
      expect((await waiting).done).toBe(true);
    }
  });

  it("sends keys again that a clock which was ahead took for past, once it is right", async () => {
    await using opened = await openService();
    const { service, clock } = opened;
    const counts: number[] = [];
    const ending = new AbortController();
    const following = (async () => {
      for await (const { update } of service.follow(localCaller, { signal: ending.signal }))
        if (update.keys !== undefined) counts.push(update.keys.length);
    })();
    await vi.waitFor(() => expect(counts).toEqual([1]));
    await service.keys.rotate(localCaller, { immediate: true });
    await vi.waitFor(() => expect(counts).toEqual([1, 2]));
    clock.now += 3 * 86400;
    await revoke(service, "ada");
    await vi.waitFor(() => expect(counts).toEqual([1, 2, 1]));
    clock.now = NOW;
    await revoke(service, "bob");
    await vi.waitFor(() => expect(counts).toEqual([1, 2, 1, 2]));
    ending.abort();
    await following;
  });

  it("refuses followers over the limits, in total and per client, until others leave", async () => {
    await using opened = await openWithClient({ maxFollowers: { total: 3, perClient: 2 } });
    const { service } = opened;
    const [one, two] = [
      await callerOf(service, { permissions: ["follow_events"] }),
      await callerOf(service, { permissions: ["follow_events"] }),
    ];
    const start = async (caller: typeof one) => {
      const feed = service.follow(caller, {});
      await feed.next();
      return feed;
    };
    const [first] = [await start(one), await start(one)];
    await expect(start(one)).rejects.toMatchObject({ reason: "too_many_followers", retryAfter: expect.any(Number) });
    await start(two);
    await expect(start(two)).rejects.toMatchObject({ reason: "too_many_followers" });
    await first?.return(undefined);
    await expect(start(two)).resolves.toBeDefined();
  });

  it("forgets a follower that leaves at any moment of its admission", async () => {
    await using opened = await openWithClient({ maxFollowers: { total: 1, perClient: 1 } });
    const caller = await callerOf(opened.service, { permissions: ["follow_events"] });
    for (let rounds = 0; rounds < 8; rounds += 1) {
      const feed = opened.service.follow(caller, {});
      const first = feed.next().catch((error: MintmarkError) => error.reason);
      for (let round = 0; round < rounds; round += 1) await setImmediate();
      await feed.return();
      expect(await first, `after ${rounds} rounds`).toMatchObject({ done: expect.any(Boolean) });
      expect(opened.service.metrics.read().followers, `after ${rounds} rounds`).toBe(0);
    }
  });

  it("ends for a client whose secret was replaced, at once or after the overlap", async () => {
    await using opened = await openWithClient();
    const { service, clock } = opened;
    const ended = { reason: "invalid_client" };
    for (const overlap of [0, 60]) {
      const follower = await callerOf(service, { permissions: ["follow_events"] });
      const feed = service.follow(follower, {});
      for (let more: boolean | undefined = true; more; ) more = (await feed.next()).value?.update.more;
      const change = () => service.clients.rotateSecret(localCaller, { clientId: follower.clientId, overlap });
      if (overlap === 0) await Promise.all([expect(feed.next()).rejects.toMatchObject(ended), change()]);
      else {
        await Promise.all([expect(feed.next()).resolves.toMatchObject({ done: false }), change()]);
        clock.now += overlap;
        await Promise.all([expect(feed.next()).rejects.toMatchObject(ended), revoke(service, "somebody")]);
      }
    }
  });

  it("ends for a client that is removed", async () => {
    await using opened = await openWithClient();
    const follower = await callerOf(opened.service, { permissions: ["follow_events"] });
    const following = (async () => {
      for await (const _ of opened.service.follow(follower, {}));
    })().catch((error: MintmarkError) => error.reason);
    await sleep(20);
    await opened.service.clients.remove(localCaller, follower.clientId);
    expect(await following).toBe("invalid_client");
  });

  it("reports no newer age while the store cannot be read, and refuses new followers", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    let isAway = false;
    await using opened = await openWithClient({
      wrap: (store) => ({
        ...store,
        position: () => (isAway ? Promise.reject(new Error("away")) : store.position()),
      }),
    });
    const feed = opened.service.follow(localCaller, {});
    const { value: first } = await feed.next();
    const { value: second } = await feed.next();
    isAway = true;
    const third = feed.next();
    await expect(catchUp(opened.service)).rejects.toThrow();
    // The heartbeat is sent all the same, with the age of the data.
    vi.advanceTimersByTime(5000);
    const { value: heartbeat } = await third;
    expect(heartbeat?.update).toEqual({
      epoch: first?.update.epoch,
      sequence: second?.update.sequence,
      at: expect.any(Number),
    });
    const fourth = feed.next();
    await sleep(10);
    vi.advanceTimersByTime(5000);
    const { value: next } = await fourth;
    expect(next?.update.at).toBe(heartbeat?.update.at);
    await feed.return(undefined);
  });
});

describe("a server that stops", () => {
  it("disconnects its followers at once, so that they reconnect to another", async () => {
    await using opened = await openService({ clock: () => NOW });
    const server = await createTokenServer(opened.service, { port: 0 });
    const feeds = await Promise.all(
      Array.from({ length: 50 }, () =>
        fetch(`${server.origin}/trpc/events`, { headers: { accept: "text/event-stream" } }),
      ),
    );
    const texts = feeds.map((response) => response.text());
    await sleep(50);
    const start = performance.now();
    await server.close();
    expect(performance.now() - start).toBeLessThan(2000);
    // No `return`: a tRPC client would not reconnect.
    for (const text of await Promise.all(texts)) expect(text).not.toMatch(/event: (return|serialized-error)/);
  });
});

async function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
