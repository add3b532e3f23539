import { onStop } from "./signals.ts";

// A start that is told to stop has nothing to finish: what it was about to write is undone by the database.
onStop(() => process.exit(0));

// Loaded only now, since it takes longest.
const [{ readConfig }, { createLogger, logProcessEvents, reportExit: reportEnd }, { serve }, { welcome }] =
  await Promise.all([import("./config.ts"), import("./report.ts"), import("./serve.ts"), import("./welcome.ts")]);

/** Runs the server until it is told to stop. Standard output says where it listens, standard error has the log. */
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
  reportEnd(error);
  process.exit(1);
});
