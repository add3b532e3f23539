/** Loads a server with given requests over connections that stay open. Run by `rounds.ts`, on a processor of its own. */
import { once } from "node:events";
import { type Chain, type Flow, performChain, performFlow } from "./flow.ts";
import { type Pace, runPaced } from "./pace.ts";
import { quantile } from "./support.ts";
import { connectTo } from "./wire.ts";

export type LoadPlan = Pace & {
  port: number;
  /** The requests as bytes of HTTP/1.1, or sequences of requests. Each connection begins at another one. */
  requests: readonly (string | Flow | Chain)[];
  /** Seconds at the beginning that do not count. Default 0. */
  warmup?: number;
};

export type LoadReport = { answered: number; seconds: number; p50: number; p99: number };

const [plan] = (await once(process, "message")) as [LoadPlan];
const { port, requests, connections, warmup = 0 } = plan;

async function open(at: number) {
  const connection = await connectTo(port);
  let next = Math.floor((at * requests.length) / connections);
  return {
    async send(): Promise<void> {
      const request = requests[next] ?? "";
      if (typeof request !== "string")
        await ("issue" in request ? performChain(connection, request) : performFlow(connection, request));
      else {
        const { status, body } = await connection.send(request);
        if (status !== 200) throw new Error(`expected 200, got ${status} ${body.slice(0, 400)}`);
      }
      next = (next + 1) % requests.length;
    },
    end: connection.end,
  };
}

let isRunning = true;
// Never idle: waking this process takes longer than most responses, and the server would be charged for it.
const stayAwake = () => void (isRunning && setImmediate(stayAwake));
stayAwake();
const latencies: number[] = [];
const from = performance.now() + warmup * 1000;
// The warm-up has ended.
setTimeout(() => process.send?.("warm"), warmup * 1000);
await runPaced(plan, open, (latency) => {
  if (performance.now() >= from) latencies.push(latency);
});
isRunning = false;
const seconds = (performance.now() - from) / 1000;
const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
process.send?.({ answered: latencies.length, seconds, p50, p99 } satisfies LoadReport);
process.disconnect();
