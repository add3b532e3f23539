import { setFlagsFromString } from "node:v8";
import type { Logger } from "pino";
import { MintmarkError } from "../errors.ts";
import { listen, type RunningServer } from "../http/listen.ts";
import { describeError } from "../http/log.ts";
import type { HandlerOptions } from "../http/options.ts";
import { createRequestHandler } from "../http/server.ts";
import { storeRemedy } from "../store/remedies.ts";
import type { Milliseconds } from "../time.ts";
import { type OpenOptions, openService } from "./compose.ts";
import type { Config } from "./config.ts";
import { openSignIn } from "./sign-in.ts";
import { onStop } from "./signals.ts";

export type ServeOptions = {
  logger: Logger;
  /** Receives the origin when the server listens and handles signals. */
  onListening: (origin: string) => void;
};

/** Limit of a shutdown after the drain, in milliseconds: 10 s for requests in flight, 3 s for the database. */
const MAX_STOP_MS: Milliseconds = 15_000;

type ServiceOptions = Pick<HandlerOptions, "share"> & Omit<OpenOptions, "origin">;

/** Runs the configured server until a signal stops it. */
export async function serve(
  config: Config,
  { logger, onListening, ...options }: ServeOptions & ServiceOptions,
): Promise<void> {
  // Requests of followers never end. From a thousand of them V8 learns to allocate requests in the old generation, and a
  // verifyToken takes half as much processor time again (50.4 in place of 32.6 µs, medians of 8 rounds by turns).
  setFlagsFromString("--no-allocation-site-pretenuring");
  const server = await openConfigured(config, { logger, ...options });
  let isStopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "shutting down");
    const drain = config.drain * 1000;
    // A supervisor waits for this process, even if the shutdown hangs.
    setTimeout(() => process.exit(1), drain + MAX_STOP_MS).unref();
    await server.close({ drain });
    // An open IPC channel keeps a worker alive.
    if (process.connected) process.disconnect();
  };
  onStop(stop);
  onListening(server.origin);
}

/** Opens the configured server, which runs until it is closed. */
export function openConfigured(
  config: Config,
  { logger, share, ...open }: Pick<ServeOptions, "logger"> & ServiceOptions,
): Promise<RunningServer> {
  return listen({
    host: config.host,
    port: config.port,
    timeouts: { keepAliveTimeout: config.keepAlive * 1000 },
    async prepare(origin) {
      const reporter = createErrorReporter(logger);
      const service = await openService(config, { origin, ...reporter, ...open });
      const { drain, endFeeds, close } = service;
      const { trustProxy, origins, theme } = config;
      const signIn = await openSignIn(config, { ownIssuer: service.issuer, ...reporter });
      const options = { logger, trustProxy, origins, theme, ...(share && { share }), ...(signIn && { signIn }) };
      const listener = createRequestHandler(service, options);
      return { listener, drain, endFeeds, close };
    },
  });
}

/** Shortest interval between logs of the same failure, in milliseconds: some tasks run every second. */
const REPEAT_AFTER_MS: Milliseconds = 60_000;

/** Logs failures in the background, and notices for the operator. */
export function createErrorReporter(logger: Logger): Required<Pick<OpenOptions, "onError" | "onNotice">> {
  const logged = new Map<string, { code: string | undefined; at: Milliseconds }>();
  return {
    onError(work, error) {
      const cause = error instanceof MintmarkError ? (error.cause ?? error) : error;
      const { code, ...rest } = describeError(cause);
      const last = logged.get(work);
      if (last !== undefined && last.code === code && performance.now() - last.at < REPEAT_AFTER_MS) return;
      logged.set(work, { code, at: performance.now() });
      const remedy = storeRemedy(cause);
      logger.warn(
        { work, error: { code, ...rest } },
        `failed in the background${remedy === undefined ? "" : `: ${remedy}`}`,
      );
    },
    onNotice: (sentence) => logger.warn(sentence),
  };
}
