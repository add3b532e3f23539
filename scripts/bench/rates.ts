/**
 * Measures what the limit on rates adds to a call, in nanoseconds, and what its keys take in memory.
 *
 *     node --expose-gc --import tsx scripts/bench/rates.ts
 */
import { createCallLimits, type RateLimits } from "../../src/service/throttle/call-limits.ts";
import { systemClock } from "../../src/time.ts";
import { machine } from "./results.ts";

const CALLS = 5_000_000;
const ROUNDS = 5;
const MILLION = 1_000_000;

const limits = (calls: number): RateLimits => ({
  issue: { perClient: 0, perAddress: 0 },
  verify: { perClient: 0, perAddress: calls },
});
const open = (calls: number) =>
  createCallLimits({
    store: { shared: false, addToCounts: async () => [] },
    audit: { countDenial: () => {} },
    clock: systemClock,
    rateLimits: limits(calls),
  });

/** Processor time, the best of some rounds: whatever else the machine does only ever slows one down. */
function nanosecondsPerCall(call: (at: number) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (let at = 0; at < CALLS; at += 1) call(at);
    best = Math.min(best, (process.cpuUsage(before).user * 1000) / CALLS);
  }
  return best;
}

const v4 = Array.from({ length: 1024 }, (_, at) => `192.0.${at >> 8}.${at & 255}`);
const v6 = v4.map((_, at) => `2001:db8:${at.toString(16)}::1`);
const at = (list: readonly string[], index: number) => list[index & 1023] ?? "";
const off = open(0);
const on = open(Number.MAX_SAFE_INTEGER);
const few = open(1);

const rows: [string, (index: number) => unknown][] = [
  ["off", (index) => off.ofAddress("verify", at(v4, index))],
  ["one IPv4 address", () => on.ofAddress("verify", "192.0.2.1")],
  ["1,024 IPv4 addresses", (index) => on.ofAddress("verify", at(v4, index))],
  ["1,024 IPv6 addresses", (index) => on.ofAddress("verify", at(v6, index))],
  ["refused", (index) => few.ofAddress("verify", at(v4, index))],
];

process.stdout.write(`rates on ${machine}\n`);
for (const [name, call] of rows)
  process.stdout.write(`  ${name.padEnd(22)} ${nanosecondsPerCall(call).toFixed(1)} ns\n`);

globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
for (let index = 0; index < MILLION; index += 1)
  on.ofAddress("verify", `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
globalThis.gc?.();
const mebibytes = (process.memoryUsage().heapUsed - before) / 2 ** 20;
process.stdout.write(`  after a million addresses: ${mebibytes.toFixed(1)} MiB more on the heap\n`);
