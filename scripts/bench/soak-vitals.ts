import { readdirSync } from "node:fs";
import { quantile } from "./support.ts";
import { usageOf } from "./usage.ts";

/** Bytes, milliseconds, and open files and connections. */
export type Vitals = { memory: number; heap: number; delay: number; handles: number };

/** Often, since the lowest heap is the one after a garbage collection. */
const SCRAPE_MS = 500;
/** In milliseconds; part of every delay. */
const RESOLUTION = 10;

/** Scrapes `/metrics` of a server until it is stopped. */
export function watchVitals({ port, pid }: { port: number; pid: number }) {
  let heaps: number[] = [];
  let delays: number[] = [];
  const timer = setInterval(async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    heaps.push(metric("nodejs_heap_size_used_bytes"));
    delays.push(Math.max(0, metric("nodejs_eventloop_lag_p99_seconds") * 1000 - RESOLUTION));
  }, SCRAPE_MS);
  return {
    /** Since the last call. */
    take(): Vitals {
      const vitals = { heap: quantile(heaps, 0), delay: quantile(delays, 0.5) };
      [heaps, delays] = [[], []];
      return { ...vitals, memory: usageOf(pid).memory, handles: readdirSync(`/proc/${pid}/fd`).length };
    },
    stop: () => clearInterval(timer),
  };
}
