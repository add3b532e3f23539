import { once } from "node:events";
import { expect, it, vi } from "vitest";
import { heapInUse } from "../support/heap.ts";
import { dial } from "../support/raw.ts";
import { openServer } from "../support/service.ts";

const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

/** Sends a request for events, which goes on, and others behind it, and is gone when the first is answered. */
async function leaveAmid(url: string, ...behind: string[]): Promise<void> {
  const socket = await dial(url);
  socket.write([head("/trpc/events"), ...behind.map(head)].join(""));
  await once(socket, "data");
  socket.destroy();
}

it("a request that waits behind another is released with its connection", async () => {
  await using server = await openServer();
  const leave = async (times: number) => {
    for (let time = 0; time < times; time += 1) await leaveAmid(server.url, ...Array(30).fill("/healthz"));
    return heapInUse();
  };
  const before = await leave(20);
  // Kept, each of these 6,000 requests would take two kilobytes.
  expect((await leave(200)) - before).toBeLessThan(4 * 2 ** 20);
});

it("a follower that waits behind another leaves with its connection", async () => {
  await using server = await openServer({ maxFollowers: { total: 2, perClient: 2 } });
  for (let times = 0; times < 3; times += 1) {
    await leaveAmid(server.url, "/trpc/events");
    await vi.waitFor(() => expect(server.service.metrics.read()).toMatchObject({ followers: 0 }), 2000);
  }
});
