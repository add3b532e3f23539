/**
 * Loads a server with HTTP/1.1 requests over connections that are kept, each waiting for its answer before it
 * sends the next, and tells by standard output what came of it. Started by the benchmark, on a processor of its own.
 */
import { connect } from "node:net";
import { parseArgs } from "node:util";

/** Requests are told apart by their place; every answer must be of this status. */
export type LoadPlan = {
  port: number;
  connections: number;
  seconds: number;
  /** The requests as they go over the wire. Each connection begins at another one. */
  requests: readonly string[];
  status: number;
  /** Requests a second, of all connections together. Default: as many as are answered. */
  rate?: number;
  /** Seconds of these at the beginning that do not count, while the load itself gets warm. Default 0. */
  warmup?: number;
};

export type LoadReport = { answered: number; seconds: number; p50: number; p99: number };

const SEPARATOR = Buffer.from("\r\n\r\n");

/** Runs a plan, and gives how many were answered and how long that took, in milliseconds. */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  const latencies: number[] = [];
  const start = performance.now();
  const from = start + (plan.warmup ?? 0) * 1000;
  const end = start + plan.seconds * 1000;
  const interval = plan.rate === undefined ? 0 : (plan.connections * 1000) / plan.rate;
  // Never asleep: to wake the load would take longer than most answers, and be charged to the server that wakes it.
  let isLoading = true;
  const stayAwake = () => void (isLoading && setImmediate(stayAwake));
  stayAwake();
  await Promise.all(
    Array.from({ length: plan.connections }, (_, at) => runConnection(plan, { at, end, interval, from, latencies })),
  );
  isLoading = false;
  const seconds = (performance.now() - from) / 1000;
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return { answered: latencies.length, seconds, p50: quantile(0.5), p99: quantile(0.99) };
}

type Run = { at: number; end: number; interval: number; from: number; latencies: number[] };

function runConnection({ port, requests, status, connections }: LoadPlan, run: Run): Promise<void> {
  const { at, end, interval, from, latencies } = run;
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    let next = Math.floor((at * requests.length) / connections);
    let due = performance.now() + (interval * at) / connections;
    let sentAt = 0;
    let received: Buffer = Buffer.alloc(0);
    const wanted = Buffer.from(`HTTP/1.1 ${status} `);

    const send = () => {
      if (performance.now() >= end) return void socket.end();
      // An answer that is late makes the next one late: it counts from when it was due.
      sentAt = interval === 0 ? performance.now() : due;
      due += interval;
      socket.write(requests[next] ?? "");
      next = (next + 1) % requests.length;
    };
    const sendWhenDue = () => {
      const wait = interval === 0 ? 0 : due - performance.now();
      // A timer is late by up to a millisecond, so the last one is waited for awake.
      if (wait > 2) setTimeout(sendWhenDue, wait - 2);
      else if (wait > 0) setImmediate(sendWhenDue);
      else send();
    };
    socket.on("data", (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (!isWhole(received)) return;
      if (!received.subarray(0, wanted.length).equals(wanted)) {
        return void socket.destroy(new Error(`wanted ${status}, got ${received.subarray(0, 400)}`));
      }
      if (sentAt >= from) latencies.push(performance.now() - sentAt);
      received = Buffer.alloc(0);
      sendWhenDue();
    });
    socket.on("connect", sendWhenDue);
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

/** Whether an answer has come to its end. */
function isWhole(received: Buffer): boolean {
  const head = received.indexOf(SEPARATOR);
  if (head < 0) return false;
  const text = received.toString("latin1", 0, head).toLowerCase();
  const [, length] = /\r\ncontent-length: *(\d+)/.exec(text) ?? [];
  if (length !== undefined) return received.length >= head + 4 + Number(length);
  return received.subarray(-5).equals(Buffer.from("0\r\n\r\n"));
}

const { values } = parseArgs({ options: { plan: { type: "boolean" } } });
if (values.plan) {
  process.once("message", async (plan: LoadPlan) => {
    process.send?.(await runLoad(plan));
    process.disconnect();
  });
}
