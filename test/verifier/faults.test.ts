import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type Script, snapshot, startFeed, update } from "../support/feed.ts";
import { forge, openPairForge, type PairForge } from "../support/forge.ts";
import { follow, healthy, verdictOf } from "../support/verifier.ts";

let by: PairForge;
beforeAll(async () => {
  by = await openPairForge("ES256");
});

const serialized = (httpStatus: number) => ({ code: -32001, message: "secret", data: { code: "X", httpStatus } });

/** What a service does instead of serving the feed, and what the verifier reports to an operator. */
const faults: Record<string, { script: Script; failure: string }> = {
  "a 401": { script: ({ refuse }) => refuse(401), failure: "answered 401" },
  "a 403": { script: ({ refuse }) => refuse(403), failure: "answered 403" },
  "a 503": { script: ({ refuse }) => refuse(503), failure: "answered 503" },
  "a 204": { script: ({ response }) => response.writeHead(204).end(), failure: "answered 204" },
  "a 401 behind a 200": {
    script: ({ event }) => event("serialized-error", serialized(401)),
    failure: "refused the feed with 401",
  },
  "an error of no form": { script: ({ event }) => event("serialized-error", null), failure: "refused the feed" },
  "the end of the feed": { script: ({ event }) => event("return", ""), failure: "ended the feed" },
  "a broken connection": { script: ({ response }) => response.destroy(), failure: "fetch failed" },
  "an empty feed": {
    script: ({ write, response }) => {
      write(": hi\n\n");
      response.end();
    },
    failure: "broke off",
  },
  "a web page": {
    script: ({ response }) => response.writeHead(200, { "content-type": "text/html" }).end("<p>Sign in"),
    failure: "no feed",
  },
  "no JSON": { script: ({ write }) => write("data: {\n\n"), failure: "no valid update" },
  "JSON of another form": { script: ({ write }) => write('data: {"sequence":1}\n\n'), failure: "no valid update" },
  "an update too many": {
    script: ({ send }) => send({ ...snapshot([by]), admin: true } as never),
    failure: "no valid update",
  },
  "bytes that are no UTF-8": { script: ({ write }) => write(Buffer.from([0xff, 0xfe, 0x0a, 0x0a])), failure: "" },
  "a cursor without end": { script: ({ send }) => send(snapshot([by]), "c".repeat(1001)), failure: "no valid update" },
  "an update of nothing": { script: ({ send }) => send(update()), failure: "does not continue" },
  silence: { script: () => {}, failure: "Received nothing" },
  "pings alone": {
    script: ({ event }) => setInterval(() => event("ping", ""), 20).unref(),
    failure: "Received nothing",
  },
};

describe("a verifier whose feed fails", () => {
  it.each(Object.keys(faults))(
    "trusts nothing after %s, reports it, retries and is live when the feed is",
    async (name) => {
      const { script, failure } = faults[name] ?? { script: () => {}, failure: "" };
      let verdict: Promise<string> | undefined;
      const again: Script = (connection) => {
        verdict = verdictOf(followed.verifier.verify(forge(by)));
        fault ??= followed.verifier.failure;
        healthy(by)(connection);
      };
      let fault: Error | undefined;
      await using followed = await follow([script, again], {
        maxStaleness: failure === "Received nothing" ? 0.4 : 30,
      });
      await followed.verifier.ready;
      expect(await verdict).toBe("verifier_stale");
      expect(fault?.message).toContain(failure);
      expect(fault?.message).not.toContain("secret");
      expect(followed.verifier.failure).toBeUndefined();
      expect(await verdictOf(followed.verifier.verify(forge(by)))).toBe("accepted");
    },
  );

  it.concurrent.for(["a 401", "a 503", "the end of the feed", "no JSON", "silence"])(
    "becomes stale by repeated %s after it was live, and never stops retrying",
    async (name, { expect }) => {
      const script = faults[name]?.script ?? (() => {});
      await using followed = await follow([healthy(by), script], { maxStaleness: 0.3 });
      const { verifier, feed, states } = followed;
      await verifier.ready;
      feed.connections[0]?.end();
      await expect.poll(() => feed.connections.length, { timeout: 10_000 }).toBeGreaterThan(3);
      await expect.poll(() => states.at(-1)).toBe("stale");
      expect(await verdictOf(verifier.verify(forge(by)))).toBe("verifier_stale");
      expect(feed.connections.slice(1).every(({ after }) => after === "first:1")).toBe(true);
    },
  );

  it("reconnects immediately after the loss of a healthy connection", async () => {
    await using followed = await follow([healthy(by), healthy(by)]);
    await followed.verifier.ready;
    await sleep(1100);
    const lostAt = performance.now();
    followed.feed.connections[0]?.end();
    await expect.poll(() => followed.feed.connections.length, { interval: 2 }).toBe(2);
    expect(performance.now() - lostAt).toBeLessThan(400);
    expect(followed.states).toEqual(["live"]);
  });

  it("waits for the Retry-After of the service", async () => {
    await using followed = await follow([({ refuse }) => refuse(429, { "retry-after": "1" }), healthy(by)]);
    const began = performance.now();
    await followed.verifier.ready;
    expect(performance.now() - began).toBeGreaterThan(1000);
  });

  it("drops a cursor that the service refuses", async () => {
    await using followed = await follow([healthy(by), ({ refuse }) => refuse(400), healthy(by)]);
    await followed.verifier.ready;
    followed.feed.connections[0]?.end();
    await expect
      .poll(() => followed.feed.connections.map(({ after }) => after))
      .toEqual([undefined, "first:1", undefined]);
  });

  it("follows no redirect", async () => {
    await using elsewhere = await startFeed(healthy(by));
    const redirect: Script = ({ refuse }) => refuse(307, { location: `${elsewhere.url}/trpc/events` });
    await using followed = await follow([redirect]);
    await expect.poll(() => followed.feed.connections.length).toBeGreaterThan(1);
    expect([elsewhere.connections.length, followed.verifier.state]).toEqual([0, "connecting"]);
  });

  it("applies no partial update, however it is split", async () => {
    const cut: Script = ({ write, response }) => {
      write(`data: ${JSON.stringify(snapshot([by])).slice(0, -5)}`);
      setTimeout(() => response.end(), 50);
    };
    const drip: Script = async ({ write }) => {
      const bytes = Buffer.from(`event: connected\ndata: {}\n\ndata: ${JSON.stringify(snapshot([by]))}\r\nid: é\n\n`);
      for (let at = 0; at < bytes.length; at += 7) {
        write(bytes.subarray(at, at + 7));
        await sleep(1);
      }
    };
    await using followed = await follow([cut, drip]);
    await followed.verifier.ready;
    expect(followed.feed.connections).toHaveLength(2);
  });

  it.each([
    ["line", "data: "],
    ["event", "\ndata: "],
  ])("disconnects on a %s without an end", async (_, start) => {
    let sent = 0;
    let endedAt = 0;
    const endless: Script = ({ response }) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const chunk = `${start}${"x".repeat(1024 * 1024)}`;
      const more = () => {
        sent += chunk.length;
        if (!response.destroyed) response.write(chunk, more);
      };
      response.on("close", () => {
        endedAt = sent;
      });
      more();
    };
    await using followed = await follow([endless, healthy(by)]);
    await followed.verifier.ready;
    expect(followed.feed.connections.length).toBe(2);
    expect(endedAt).toBeLessThan(32 * 1024 * 1024);
  });
});
