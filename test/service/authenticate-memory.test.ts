import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { heapInUse } from "../support/heap.ts";
import { failureOf } from "../support/refusal.ts";
import { openService } from "../support/service.ts";

/** Failures a minute after which attempts of an address are refused unchecked. */
const OF_ADDRESS = 100;

it("an address over the limit fills no memory, though it invents a client for every attempt", async () => {
  await using opened = await openService({ open: false });
  const attempt = () => {
    const credentials = { clientId: randomBytes(120).toString("hex"), clientSecret: "guess" };
    return failureOf(opened.service.authenticate(credentials, "192.0.2.1"));
  };
  for (let at = 0; at < 2 * OF_ADDRESS; at += 1) await attempt();
  const before = await heapInUse();
  for (let at = 0; at < 5000; at += 1) expect(await attempt()).toMatchObject({ reason: "too_many_attempts" });
  expect((await heapInUse()) - before).toBeLessThan(1_000_000);
});
