/**
 * Runs within the server that is soaked, before its program, and tells whoever started it how it is. Plain
 * JavaScript: what is measured is what `npm start` runs.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds. The heap is looked at often: the least of it is what is left when garbage was collected. */
const LOOK = 100;
const TELL = 5000;

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
let heap = Number.POSITIVE_INFINITY;
setInterval(() => {
  heap = Math.min(heap, process.memoryUsage().heapUsed);
}, LOOK).unref();
setInterval(() => {
  // The resolution is part of every value.
  const milliseconds = Math.max(0, delay.percentile(99) / 1e6 - 10);
  process.send?.({ heap, delay: milliseconds }, () => {});
  heap = Number.POSITIVE_INFINITY;
  delay.reset();
}, TELL).unref();
process.channel?.unref();
