import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it, vi } from "vitest";
import { callAs } from "../support/call-as.ts";
import { startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

it("workers share a limit that the environment sets: what one has let in, the other has not to give", async () => {
  await using server = await startServer({
    PORT: "0",
    MINTMARK_WORKERS: "2",
    MINTMARK_DATA: join(folder.path, "data"),
    MINTMARK_RATE_ISSUE: "3",
  });
  // A minute that ends meanwhile would begin anew.
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 5000) await sleep(left);
  // Each on a connection of its own, which either worker may take.
  const getTokens = async (calls: number) => {
    const { reasons } = await callAs(server.origin, { procedure: Array(calls).fill("getToken").join(",") });
    return reasons.filter((reason) => reason === "served").length;
  };
  expect(await getTokens(3)).toBe(3);
  await vi.waitFor(async () => expect(await getTokens(1)).toBe(1));
  await sleep(2000);
  for (let at = 0; at < 8; at += 1) expect(await getTokens(1)).toBe(0);
});
