/** The process that holds the verifier of `million`: its memory is its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { createVerifier } from "../../src/verifier/verifier.ts";
import type { Told } from "./million.ts";

const [, , url = ""] = process.argv;
let ahead = 0;
const clock = () => Math.floor(Date.now() / 1000) + ahead;

async function tell(what: string, ms: number): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { heapUsed: heap, rss } = process.memoryUsage();
  process.send?.({ what, ms, heap, rss } satisfies Told);
}

await tell("empty", 0);
const start = performance.now();
const verifier = createVerifier({ issuer: url, audience: url, clock });
await verifier.ready;
await tell("live", performance.now() - start);
// An hour later by its clock, when all of them have expired: it tidies up with the next heartbeats.
ahead = 7200;
await sleep(15_000);
await tell("expired", 15_000);
verifier.close();
process.disconnect();
