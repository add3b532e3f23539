import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createVerifier, StartError } from "../../src/verifier/verifier.ts";
import { revoked, snapshot, update } from "../support/feed.ts";
import { forge, goodClaims, openPairForge, type PairForge } from "../support/forge.ts";
import { failureOf } from "../support/refusal.ts";
import { ISSUER, NOW } from "../support/service.ts";
import { follow, healthy, verdictOf } from "../support/verifier.ts";

let by: PairForge;
beforeAll(async () => {
  by = await openPairForge("ES256");
});

describe("a verifier that follows the feed", () => {
  it("is stale until the snapshot is complete, then returns typed claims, and is stale again once closed", async () => {
    await using followed = await follow([healthy(by)]);
    const { verifier, states } = followed;
    const token = forge(by, { payload: goodClaims({ scope: "orders:read" }) });
    expect([verifier.state, verifier.age]).toEqual(["connecting", Number.POSITIVE_INFINITY]);
    expect(await verdictOf(verifier.verify(token))).toBe("verifier_stale");
    await verifier.ready;
    expect(verifier.state).toBe("live");
    expect(verifier.age).toBeLessThan(2);
    expect((await verifier.verify(token, { scope: "orders:read" })).sub).toBe("ada");
    expect(await verdictOf(verifier.verify(token, { scope: "orders:write" }))).toBe("insufficient_scope");
    expect(await verdictOf(verifier.verify(token, { audience: "elsewhere" }))).toBe("wrong_audience");
    verifier.close();
    expect(await verdictOf(verifier.verify(token))).toBe("verifier_stale");
    await sleep(0);
    expect(states).toEqual(["live", "closed"]);
  });

  it("sends its credentials, the cursor of the last complete update and nothing else", async () => {
    const credentials = { clientId: "a:b c", clientSecret: "ü/?" };
    await using followed = await follow(
      [
        (connection) => {
          connection.send(snapshot([by]), "one");
          connection.send(update({ sequence: 2 }), "two");
          connection.send(update({ sequence: 3, more: true }), "half");
          setTimeout(connection.end, 30);
        },
        (connection) => connection.beat(() => ({ sequence: 3 })),
      ],
      { credentials },
    );
    await expect.poll(() => followed.feed.connections.length).toBe(2);
    const [first, second] = followed.feed.connections;
    expect([first?.pathname, first?.after, second?.after]).toEqual(["/trpc/events", undefined, "two"]);
    expect(first?.headers).toMatchObject({
      accept: "text/event-stream",
      authorization: `Basic ${btoa("a%3Ab+c:%C3%BC%2F%3F")}`,
    });
  });

  it.each([
    ["token", "3q2-7wAAAAAAAAAA"],
    ["subject", "ada"],
    ["client", "local"],
    ["session", "s1"],
  ] as const)("refuses the tokens of a revoked %s with the update, also cached ones", async (kind, id) => {
    await using followed = await follow([healthy(by)]);
    const { verifier, feed } = followed;
    const token = forge(by, { payload: goodClaims({ sid: "s1" }) });
    await verifier.ready;
    expect(await verdictOf(verifier.verify(token))).toBe("accepted");
    const [connection] = feed.connections;
    connection?.stopBeating();
    const sentAt = performance.now();
    connection?.send(update({ sequence: 2, revocations: [revoked({ kind, id })] }));
    await expect.poll(() => verdictOf(verifier.verify(token)), { interval: 1 }).toBe("token_revoked");
    expect(performance.now() - sentAt).toBeLessThan(1000);
  });

  it("types and validates custom claims by their schema", async () => {
    const { feed, ...rest } = await follow([healthy(by)]);
    await using _ = { [Symbol.asyncDispose]: rest[Symbol.asyncDispose] };
    const claims = z.object({ role: z.enum(["reader", "writer"]) });
    using verifier = createVerifier({
      issuer: ISSUER,
      audience: ISSUER,
      url: `${feed.url}/`,
      claims,
      clock: () => rest.clock.now,
    });
    await verifier.ready;
    const { role } = await verifier.verify(forge(by, { payload: goodClaims({ role: "reader" }) }));
    const typed: "reader" | "writer" = role;
    expect(typed).toBe("reader");
    expect(await verdictOf(verifier.verify(forge(by, { payload: goodClaims({ role: "god" }) })))).toBe("invalid_token");
  });

  it.each([
    ["a day", {}, 86400],
    ["`maxLifetime`", { maxLifetime: 172800 }, 172800],
  ])("accepts no longer lifetime than %s", async (_, options, longest) => {
    const lasting = (seconds: number) => forge(by, { payload: goodClaims({ exp: NOW + seconds }) });
    await using followed = await follow([healthy(by)], options);
    const { verifier } = followed;
    await verifier.ready;
    expect(await verdictOf(verifier.verify(lasting(longest)))).toBe("accepted");
    expect(await verdictOf(verifier.verify(lasting(longest + 1)))).toBe("invalid_token");
  });

  it("calls no unsubscribed listener, and rejects `ready` once closed", async () => {
    await using followed = await follow([() => {}]);
    const received: string[] = [];
    const end = followed.verifier.onStateChange((state) => received.push(state));
    end();
    followed.verifier.close();
    expect(await failureOf(followed.verifier.ready)).toMatchObject({ reason: "verifier_stale" });
    expect([received, followed.states]).toEqual([[], ["closed"]]);
  });

  it.each([
    [{ issuer: "" }, "issuer"],
    [{ issuer: "mintmark", url: undefined }, "url is needed"],
    [{ url: "ftp://tokens.example" }, "url"],
    [{ url: "https://user:secret@tokens.example" }, "url"],
    [{ maxStaleness: 0 }, "maxStaleness"],
    [{ clockTolerance: 61 }, "clockTolerance"],
    [{ maxLifetime: 0 }, "maxLifetime"],
    [{ maxLifetime: Number.POSITIVE_INFINITY }, "maxLifetime"],
    [{ onStale: "ignore" }, "onStale"],
    [{ maxStalenes: 5 }, "maxStalenes"],
    [{ claims: z.object({ sub: z.string() }) }, "registered claims"],
  ])("does not start with %o", (changes, what) => {
    const options = { issuer: ISSUER, audience: ISSUER, ...changes } as Parameters<typeof createVerifier>[0];
    const start = () => createVerifier(options);
    expect(start).toThrow(StartError);
    expect(start).toThrow(what);
    expect(start).not.toThrow("secret");
  });
});
