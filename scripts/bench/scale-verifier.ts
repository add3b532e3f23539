/** The verifier of `scale`, as a process of its own: its memory is measured. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createVerifier } from "../../src/verifier/verifier.ts";

export type VerifierPlan = { url: string };
/** Milliseconds, and bytes. */
export type VerifierSize = { state: "empty" | "live" | "expired"; ms: number; heap: number; rss: number };

const [{ url }] = (await once(process, "message")) as [VerifierPlan];
let ahead = 0;

async function report(state: VerifierSize["state"], ms: number): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { heapUsed: heap, rss } = process.memoryUsage();
  process.send?.({ state, ms, heap, rss } satisfies VerifierSize);
}

await report("empty", 0);
const start = performance.now();
const verifier = createVerifier({ issuer: url, audience: url, clock: () => Math.floor(Date.now() / 1000) + ahead });
await verifier.ready;
await report("live", performance.now() - start);
// All revocations expire by this clock; the next heartbeats remove them.
ahead = 3 * 3600;
await sleep(15_000);
await report("expired", 15_000);
verifier.close();
process.disconnect();
