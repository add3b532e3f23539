import { onStop } from "./signals.ts";

// A signal during the start needs no shutdown: the database rolls back an open transaction.
onStop(() => process.exit(0));

// Loaded after the signal handler, since loading takes most of the start.
const [{ readConfig }, { createLogger, logProcessEvents, reportExit }, { serve }, { welcome }] = await Promise.all([
  import("./config.ts"),
  import("./report.ts"),
  import("./serve.ts"),
  import("./welcome.ts"),
]);

/** Runs the server until SIGTERM or SIGINT. Prints its origin to standard output and its log to standard error. */
async function main(): Promise<void> {
  const useLogger = logProcessEvents();
  const config = readConfig();
  const logger = await createLogger(config.logLevel);
  useLogger(logger);
  const onListening = (origin: string) => {
    process.stdout.write(welcome(origin, config));
    if (config.access === "open") logger.info("access is open: every program on this machine may do everything");
  };
  if (config.workers > 1) {
    const { serveByWorkers } = await import("./workers.ts");
    await serveByWorkers(config, { logger, onListening });
  } else {
    await serve(config, { logger, onListening });
  }
}

main().catch((error: unknown) => {
  reportExit(error);
  process.exit(1);
});
