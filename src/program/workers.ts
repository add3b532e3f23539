import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { listen } from "../http/listen.ts";
import { createReader } from "../http/metrics/metrics-endpoint.ts";
import type { PeerProcesses } from "../store/sql/driver.ts";
import type { Milliseconds } from "../time.ts";
import { openService } from "./compose.ts";
import type { Config } from "./config.ts";
import { createErrorReporter, type ServeOptions, serve } from "./serve.ts";
import { onStop } from "./signals.ts";
import { type FromWorker, gatherMetrics, shareSamples } from "./worker-metrics.ts";

/** Messages of a worker to the supervisor: its origin, a change of the database, and metrics. */
type Message = { listening: string } | typeof CHANGED | FromWorker;

const CHANGED = "changed";

/** A worker that ends earlier is replaced after this delay, a later one immediately. */
const HEALTHY_AFTER_MS: Milliseconds = 1000;

/**
 * Serves by several processes that share the port and the database. The supervisor serves no request: it locks the
 * embedded database for its workers, runs maintenance, and replaces workers that end. A change by one process reaches
 * the others within milliseconds: relayed by the supervisor on SQLite, by NOTIFY on PostgreSQL.
 */
export async function serveByWorkers(config: Config, options: ServeOptions): Promise<void> {
  if (cluster.isWorker) await runWorker(config, options);
  else await superviseWorkers(config, options);
}

async function runWorker(config: Config, { logger }: ServeOptions): Promise<void> {
  const send = (message: Message) => void process.send?.(message);
  const peers: PeerProcesses = {
    notifyPeers: () => send(CHANGED),
    listen: (notify) => {
      const onMessage = (message: unknown) => message === CHANGED && notify();
      process.on("message", onMessage);
      return () => process.off("message", onMessage);
    },
  };
  const onListening = (origin: string) => send({ listening: origin });
  await serve(config, { logger, onListening, peers, shared: true, runsMaintenance: false, share: shareSamples() });
}

async function superviseWorkers(config: Config, { logger, onListening }: ServeOptions): Promise<void> {
  const origin = await originOf(config);
  const service = await openService(config, { origin, peers: relay(), ...createErrorReporter(logger) });
  const PORT = new URL(origin).port || "80";
  const serving = new Set<Worker>();
  const metrics = gatherMetrics(
    serving,
    createReader(() => ({ measures: service.metrics.read(), routes: [] })),
  );
  let listening = 0;
  let isStopping = false;

  const start = () => {
    const began = performance.now();
    const worker = cluster.fork({ PORT });
    worker.on("message", (message: Message) => {
      if (message === CHANGED) return;
      if (!("listening" in message)) return metrics.receive(worker, message);
      serving.add(worker);
      listening += 1;
      if (listening === 1) for (let other = 1; other < config.workers; other += 1) start();
      if (listening === config.workers) onListening(message.listening);
    });
    worker.once("exit", (code, signal) => {
      if (isStopping) return;
      // The first worker has logged why it cannot start.
      if (listening === 0) return void service.close().finally(() => process.exit(1));
      serving.delete(worker);
      void metrics.keep(worker);
      logger.error({ worker: worker.process.pid, code, signal }, "a worker ended and is replaced");
      const wait = performance.now() - began < HEALTHY_AFTER_MS ? HEALTHY_AFTER_MS : 0;
      setTimeout(() => isStopping || start(), wait);
    });
  };
  const stop = async (signal: NodeJS.Signals) => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "stopping the workers");
    await Promise.all(workersNow().map(end));
    await service.close();
  };
  onStop(stop);
  start();
}

/**
 * Returns the origin at which all workers listen, replacements included. Picks a free port for port 0. Throws a
 * `StartError` where the address cannot be used.
 */
async function originOf({ host, port }: Config): Promise<string> {
  const { origin, close } = await listen({
    host,
    port,
    prepare: async () => ({ listener: () => {}, close: async () => {} }),
  });
  await close();
  return origin;
}

function workersNow(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}

async function end(worker: Worker): Promise<void> {
  const ended = once(worker, "exit");
  worker.process.kill("SIGTERM");
  await ended;
}

/** Relays changes of the database between all processes. */
function relay(): PeerProcesses {
  const broadcast = (sender?: Worker) => {
    // A worker that is ending may miss it.
    for (const worker of workersNow()) if (worker !== sender) worker.send(CHANGED, () => {});
  };
  const onChange = (react: (sender: Worker) => void) => {
    const onMessage = (sender: Worker, message: unknown) => message === CHANGED && react(sender);
    cluster.on("message", onMessage);
    return () => cluster.off("message", onMessage);
  };
  onChange(broadcast);
  return { notifyPeers: () => broadcast(), listen: onChange };
}
