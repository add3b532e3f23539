// Loaded into the server that is fuzzed, before its own modules: reports how long it works for requests, and its memory.
import { subscribe } from "node:diagnostics_channel";

const begun = new WeakMap();
const times = { requests: 0, total: 0, longest: 0 };

subscribe("http.server.request.start", ({ request }) => {
  begun.set(request, { at: performance.now(), cpu: process.cpuUsage() });
});
subscribe("http.server.response.finish", ({ request }) => {
  const { at, cpu } = begun.get(request);
  const { user, system } = process.cpuUsage(cpu);
  // Time in which others had the processor is none of this server's.
  const ms = Math.min(performance.now() - at, (user + system) / 1000);
  times.requests += 1;
  times.total += ms;
  times.longest = Math.max(times.longest, ms);
});

process.on("message", ({ tidy }) => {
  for (let times = tidy ? 2 : 0; times > 0; times -= 1) globalThis.gc();
  process.send({ ...times, ...process.memoryUsage() });
  times.longest = 0;
});
// It must not keep the server alive, nor may the server outlive the fuzzer.
process.channel.unref();
process.once("disconnect", () => process.exit());
