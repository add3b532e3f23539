import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { callAs } from "../support/call-as.ts";
import { startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

/** More calls than one worker admits, at one call in 200 ms, before it has the count of the other. */
const LIMIT = 30;

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

it("workers share a limit of the environment: one counts the calls of the other", async () => {
  await using server = await startServer({
    PORT: "0",
    MINTMARK_WORKERS: "2",
    MINTMARK_DATA: join(folder.path, "data"),
    MINTMARK_RATE_ISSUE: String(LIMIT),
  });
  // The end of a minute resets the count.
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 6000) await sleep(left);
  // Each call has a new connection, which either worker may accept.
  const getTokens = async (calls: number) => {
    const { reasons } = await callAs(server.origin, { procedure: Array(calls).fill("getToken").join(",") });
    return reasons.filter((reason) => reason === "served").length;
  };
  expect(await getTokens(LIMIT)).toBe(LIMIT);
  // The other worker admits calls until it has the count, within a second: up to one limit of its own.
  let more = 0;
  for (let refused = 0; more === 0 || refused < 8; ) {
    const served = await getTokens(1);
    more += served;
    refused = served === 0 ? refused + 1 : 0;
    if (served === 1) await sleep(200);
  }
  expect(more).toBeLessThan(LIMIT);
});
