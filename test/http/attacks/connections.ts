import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { expect, vi } from "vitest";
import { z } from "zod";
import { listen } from "../../../src/http/listen.ts";
import { createRequestHandler } from "../../../src/http/server.ts";
import { openProcedure, router } from "../../../src/router/procedure.ts";
import { basic } from "../../support/call-as.ts";
import { addClient } from "../../support/clients.ts";
import { follow } from "../../support/follow.ts";
import { openTarget } from "../../support/http-attacks.ts";
import { dial, received, statuses } from "../../support/raw.ts";
import { send } from "../../support/request.ts";
import { openService } from "../../support/service.ts";
import type { Suite } from "./rows.ts";

/** Milliseconds: a hundredth of what they are by default, and looked after as often as can be. */
const timeouts = {
  headersTimeout: 300,
  requestTimeout: 600,
  keepAliveTimeout: 300,
  connectionsCheckingInterval: 50,
  silence: 500,
};

const HEAD = "POST /trpc/verifyToken HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";

const WAIT = { timeout: 15_000, interval: 50 };

/** Sends the first bytes at once and then one at a time, for ever, and returns what was received until the end. */
async function trickle(url: string, first: string, then: string): Promise<string> {
  const socket = await dial(url);
  const answer = received(socket);
  socket.write(first);
  const drip = setInterval(() => socket.write(then), 20);
  try {
    return await answer;
  } finally {
    clearInterval(drip);
    socket.destroy();
  }
}

/** A subscription that gives as much as anybody takes. */
const flood = router({
  flood: openProcedure
    .meta({ summary: "Flood", description: "Never ends.", output: z.string(), errors: [] })
    .input(z.undefined())
    .subscription(async function* ({ signal }) {
      while (!signal?.aborted) yield "x".repeat(100_000);
    }),
});

export function connectionAttacks({ row, open }: Suite): void {
  row(
    "slowloris",
    "a client that sends a head or a body byte by byte, or nothing, is cut off, while others are served",
    async () => {
      await using target = await openTarget({}, { timeouts });
      const attacks = Promise.all([
        trickle(target.url, "GET /trpc/getToken HTTP/1.1\r\nHost: 127.0.0.1\r\n", "X"),
        trickle(target.url, `${HEAD}Content-Length: 60000\r\n\r\n`, "x"),
        trickle(target.url, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, "1\r\nx\r\n"),
        dial(target.url).then(received),
        dial(target.url).then((socket) => {
          socket.write(`${HEAD}Content-Length: 10\r\n\r\n{`);
          return received(socket);
        }),
      ]);
      while (true) {
        expect(await send(`${target.url}/trpc/getToken`)).toMatchObject({ status: 200 });
        if (await Promise.race([attacks.then(() => true), sleep(100, false)])) break;
      }
      for (const text of await attacks) expect([[], [408]]).toContainEqual(statuses(text));
    },
  );

  row("slowloris", "a client that reads no answer is cut off, and so is a follower that reads no event", async () => {
    await using opened = await openService();
    const serve = createRequestHandler(opened.service, { router: flood, logger: pino({ level: "silent" }) });
    const sockets = new Set<Socket>();
    const listener: RequestListener = (request, response) => {
      sockets.add(request.socket);
      serve(request, response);
    };
    const prepare = async () => ({ listener, close: async () => {} });
    const server = await listen({ host: "127.0.0.1", port: 0, timeouts, prepare });
    const asset = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const deaf = [];
    for (const bytes of [asset.repeat(30), "GET /trpc/flood HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]) {
      const socket = (await dial(server.origin)).pause();
      socket.write(bytes);
      deaf.push(socket);
    }
    await vi.waitFor(() => expect(sockets.size).toBe(2), WAIT);
    await vi.waitFor(() => expect([...sockets].map(({ destroyed }) => destroyed)).toEqual([true, true]), WAIT);
    // What it was not read of the answers was not waited for.
    for (const socket of deaf) expect(statuses(await received(socket.resume())).length).toBeLessThan(30);
    await server.close();
  });

  row("slowloris", "hundreds of connections that ask nothing keep nobody out", async () => {
    const idle = await Promise.all(Array.from({ length: 300 }, () => dial(open.url)));
    const start = performance.now();
    for (let at = 0; at < 5; at += 1) expect(await send(`${open.url}/trpc/getToken`)).toMatchObject({ status: 200 });
    expect(performance.now() - start).toBeLessThan(5000);
    for (const socket of idle) socket.destroy();
  });

  row(
    "SSE exhaustion",
    "one client has so many feeds and no more, all together too, and a place is free when one leaves",
    async () => {
      await using target = await openTarget({ open: false, maxFollowers: { total: 3, perClient: 2 } });
      const add = async () => basic(await addClient(target.service, { permissions: ["follow_events"] }));
      const [greedy, other] = [await add(), await add()];
      const refused = { status: 429, reason: "too_many_followers" };
      const first = await stay(target.url, greedy);
      await stay(target.url, greedy);
      expect(await follow(target.url, { authorization: greedy })).toMatchObject(refused);
      await stay(target.url, other);
      expect(await follow(target.url, { authorization: other })).toMatchObject(refused);
      first.abort();
      await vi.waitFor(async () =>
        expect(await follow(target.url, { authorization: other })).toMatchObject({ status: 200 }),
      );
    },
  );

  row("SSE exhaustion", "nobody follows who has not said who they are, and none of them holds a place", async () => {
    await using target = await openTarget({ open: false, maxFollowers: { total: 1, perClient: 1 } });
    const authorization = basic(await addClient(target.service, { permissions: ["follow_events"] }));
    const strangers = Array.from({ length: 50 }, () => follow(target.url));
    for (const stranger of await Promise.all(strangers)) expect([401, 429]).toContain(stranger.status);
    expect(await follow(target.url, { authorization })).toMatchObject({ status: 200 });
  });
}

/** Follows until it is disconnected, from the first update on. */
async function stay(url: string, authorization: string): Promise<AbortController> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/trpc/events`, { headers: { authorization }, signal: leaving.signal });
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes("\nid: ")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  return leaving;
}
