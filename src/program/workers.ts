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

/** What workers tell the first process: where they listen, that the database was changed, and metrics. */
type Message = { listening: string } | "changed" | FromWorker;

/** How long a worker must have run for another to take its place at once, in milliseconds; else it is waited for as long. */
const HEALTHY_AFTER_MS: Milliseconds = 1000;

/**
 * Serves by several processes that share the port and the database. The first one serves nobody: it has the
 * embedded database to itself and lets the others in, rotates keys and forgets what is past, and replaces
 * workers that end. What one of them changes, the others are told of within milliseconds; on the
 * embedded database by way of the first, on PostgreSQL by its own notifications.
 */
export async function serveByWorkers(config: Config, options: ServeOptions): Promise<void> {
  if (cluster.isWorker) await runWorker(config, options);
  else await superviseWorkers(config, options);
}

async function runWorker(config: Config, { logger }: ServeOptions): Promise<void> {
  const tell = (message: Message) => void process.send?.(message);
  const peers: PeerProcesses = {
    notifyPeers: () => tell("changed"),
    listen: (wake) => {
      const onMessage = (message: unknown) => message === "changed" && wake();
      process.on("message", onMessage);
      return () => process.off("message", onMessage);
    },
  };
  const onListening = (origin: string) => tell({ listening: origin });
  await serve(config, { logger, onListening, peers, shared: true, runsMaintenance: false, share: shareSamples() });
}

async function superviseWorkers(config: Config, { logger, onListening }: ServeOptions): Promise<void> {
  const { peers, onMessage } = createRelay();
  const origin = await originOf(config);
  const service = await openService(config, { origin, peers, ...createErrorReporter(logger) });
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
      if (message === "changed") return onMessage(worker);
      if (!("listening" in message)) return metrics.receive(worker, message);
      serving.add(worker);
      listening += 1;
      if (listening === 1) for (let other = 1; other < config.workers; other += 1) start();
      if (listening === config.workers) onListening(message.listening);
    });
    worker.once("exit", (code, signal) => {
      if (isStopping) return;
      // The very first has said why it cannot start.
      if (listening === 0) return void service.close().finally(() => process.exit(1));
      serving.delete(worker);
      void metrics.keep(worker);
      logger.error({ worker: worker.process.pid, code, signal }, "a worker has ended, and is replaced");
      const wait = performance.now() - began < HEALTHY_AFTER_MS ? HEALTHY_AFTER_MS : 0;
      setTimeout(() => isStopping || start(), wait);
    });
  };
  const stop = async (signal: NodeJS.Signals) => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "telling the workers to finish");
    await Promise.all(workersNow().map(end));
    await service.close();
  };
  onStop(stop);
  start();
}

/**
 * Gives the origin at which the workers will listen. Picks the port for all of them where none is named, also for those
 * that will replace them. Throws a `StartError` where the address cannot be had.
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

/** Passes on, from any process to all others, that the database was changed. */
function createRelay(): { peers: PeerProcesses; onMessage: (teller: Worker) => void } {
  const listeners = new Set<() => void>();
  const notifyOthers = (teller?: Worker) => {
    // One that is just ending need not know.
    for (const worker of workersNow()) if (worker !== teller) worker.send("changed", () => {});
  };
  return {
    peers: {
      notifyPeers: () => notifyOthers(),
      listen: (wake) => {
        listeners.add(wake);
        return () => listeners.delete(wake);
      },
    },
    onMessage(teller) {
      notifyOthers(teller);
      for (const wake of listeners) wake();
    },
  };
}
