import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { snapshot, update } from "../support/feed.ts";
import { forge, openPairForge, type PairForge } from "../support/forge.ts";
import { follow, healthy, verdictOf } from "../support/verifier.ts";

let by: PairForge;
beforeAll(async () => {
  by = await openPairForge("ES256");
});

describe("the freshness of a verifier", () => {
  it.each([
    ["reject", "verifier_stale"],
    ["accept", "accepted"],
  ] as const)("is stale after maxStaleness without an update, and then goes by %s", async (onStale, verdict) => {
    await using followed = await follow([healthy(by), () => {}], { maxStaleness: 0.6, onStale });
    const { verifier, feed, states } = followed;
    await verifier.ready;
    await sleep(500);
    expect(verifier.state).toBe("live");
    feed.connections[0]?.stopBeating();
    const quietSince = performance.now();
    await expect.poll(() => states, { interval: 5, timeout: 3000 }).toEqual(["live", "stale"]);
    expect(performance.now() - quietSince).toBeLessThan(1500);
    expect(verifier.age).toBeGreaterThan(0.6);
    expect(await verdictOf(verifier.verify(forge(by)))).toBe(verdict);
    expect(await verdictOf(verifier.verify("a.b.c"))).toBe(onStale === "accept" ? "invalid_token" : "verifier_stale");
  });

  it("is live again from its cursor once the feed is back", async () => {
    await using followed = await follow([healthy(by), (connection) => connection.beat()], { maxStaleness: 0.6 });
    const { verifier, feed, states } = followed;
    await verifier.ready;
    feed.connections[0]?.stopBeating();
    await expect.poll(() => states, { timeout: 5000 }).toEqual(["live", "stale", "live"]);
    expect(feed.connections[1]?.after).toBe("first:1");
  });

  it("measures age by the time in an update, not by its arrival", async () => {
    await using followed = await follow(
      [
        (connection) => {
          const at = performance.now();
          connection.send(snapshot([by], { at }));
          // Delayed by 400 ms on the way, as by a proxy.
          setTimeout(() => connection.send(update({ at })), 400);
        },
      ],
      { maxStaleness: 10 },
    );
    const { verifier, feed } = followed;
    await verifier.ready;
    await sleep(600);
    expect(feed.connections).toHaveLength(1);
    expect(verifier.age).toBeGreaterThan(0.58);
    feed.connections[0]?.send(update());
    await expect.poll(() => verifier.age).toBeLessThan(0.2);
  });

  it("measures age from the request: a slow first response counts as old", async () => {
    await using followed = await follow(
      [(connection) => setTimeout(() => connection.send(snapshot([by], { at: 5 })), 500)],
      { maxStaleness: 10 },
    );
    await followed.verifier.ready;
    expect(followed.verifier.age).toBeGreaterThan(0.49);
  });

  it("is not live by a snapshot that is stale on arrival", async () => {
    await using followed = await follow(
      [
        (connection) => {
          connection.send(snapshot([by], { at: 5, more: true }));
          for (const after of [150, 300]) setTimeout(() => connection.send(update({ at: 5, more: true })), after);
          setTimeout(() => connection.send(update({ at: 5 })), 400);
          setTimeout(() => connection.send(update({ at: 505 })), 500);
        },
      ],
      { maxStaleness: 0.3 },
    );
    await expect.poll(() => followed.states, { interval: 5 }).toEqual(["stale"]);
    await expect.poll(() => followed.states, { interval: 5 }).toEqual(["stale", "live"]);
  });

  it("is never fresher than now, whatever the clock of the service", async () => {
    await using followed = await follow([
      (connection) => {
        connection.send(snapshot([by]));
        connection.send(update({ at: performance.now() + 3_600_000 }));
        connection.send(update({ at: 0 }));
      },
    ]);
    await followed.verifier.ready;
    await sleep(200);
    expect(followed.verifier.age).toBeGreaterThan(0.19);
  });

  it("counts time in which the machine was suspended", async () => {
    await using followed = await follow([healthy(by), () => {}]);
    const { verifier, feed } = followed;
    await verifier.ready;
    feed.connections[0]?.stopBeating();
    const wall = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => wall() + 60_000);
    try {
      expect(verifier.age).toBeGreaterThan(59);
      expect(await verdictOf(verifier.verify(forge(by)))).toBe("verifier_stale");
    } finally {
      vi.restoreAllMocks();
    }
    expect(verifier.age).toBeGreaterThan(59);
  });

  it("refuses a token if it became stale during the fetch of a key", async () => {
    await using followed = await follow([healthy(by), () => {}], { maxStaleness: 0.2 });
    const { verifier, feed } = followed;
    await verifier.ready;
    const stranger = await openPairForge("ES256");
    feed.answer.jwks = (_, response) => {
      const body = JSON.stringify({ keys: [JSON.parse(stranger.stored.publicJwk)] });
      setTimeout(() => response.writeHead(200).end(body), 500);
    };
    feed.connections[0]?.stopBeating();
    expect(await verdictOf(verifier.verify(forge(stranger)))).toBe("verifier_stale");
  });
});
