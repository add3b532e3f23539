import { readConfig } from "./config.ts";
import { createLogger, logProcessEvents, reportEnd } from "./report.ts";
import { serve } from "./serve.ts";
import { welcome } from "./welcome.ts";

/** Runs the server until it is told to stop. Standard output says where it listens, standard error has the log. */
async function main(): Promise<void> {
  const nameLogger = logProcessEvents();
  const config = readConfig();
  const logger = await createLogger(config.logLevel);
  nameLogger(logger);
  const announce = (origin: string) => {
    process.stdout.write(welcome(origin, config));
    if (config.access === "open") logger.info("access is open: every program on this machine may do everything");
  };
  if (config.workers > 1) {
    const { serveByWorkers } = await import("./workers.ts");
    await serveByWorkers(config, { logger, announce });
  } else {
    await serve(config, { logger, announce });
  }
}

main().catch((error: unknown) => {
  reportEnd(error);
  process.exit(1);
});
