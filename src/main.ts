import pino, { type Logger } from "pino";
import { type Config, readConfig } from "./config.ts";
import { MintmarkError, StartError } from "./errors.ts";
import { listen } from "./http/listen.ts";
import { describeError } from "./http/log.ts";
import { createRequestHandler } from "./http/server.ts";
import { openService } from "./open.ts";

/** Runs the server until it is told to stop. Standard output says where it listens, standard error has the log. */
async function main(): Promise<void> {
  const config = readConfig();
  const logger = await createLogger(config.logLevel);
  const onError = (work: string, error: unknown) =>
    logger.warn({ work, error: describeError(error) }, "will be tried again");
  const server = await listen({
    host: config.host,
    port: config.port,
    async prepare(origin) {
      const service = await openService(config, { origin, onError });
      const { endFeeds, close } = service;
      return { listener: createRequestHandler(service, { logger }), endFeeds, close };
    },
  });
  const stop = async (signal: NodeJS.Signals) => {
    logger.info({ signal }, "finishing what is in flight");
    await server.close();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Last, so that whoever waits for this line can also stop the server.
  process.stdout.write(welcome(server.origin));
  if (config.access === "open") logger.info("access is open: every program on this machine may do everything");
}

async function createLogger(level: Config["logLevel"]): Promise<Logger> {
  if (!process.stderr.isTTY) return pino({ level }, pino.destination({ dest: 2, sync: true }));
  const { default: pretty } = await import("pino-pretty");
  return pino({ level }, pretty({ destination: 2, sync: true, ignore: "pid,hostname" }));
}

function welcome(origin: string): string {
  return `Mintmark listening on ${origin}

  Open  ${origin}/docs
  Try   curl -s ${origin}/trpc/getToken

`;
}

main().catch((error: unknown) => {
  process.stderr.write(`mintmark: ${error instanceof StartError ? error.message : whatFailed(error)}\n`);
  process.exit(1);
});

function whatFailed(error: unknown): string {
  const { type, code } = describeError(error instanceof MintmarkError ? error.cause : error);
  if (code?.startsWith("SQLITE_")) return `The database cannot be read (${code}): restore MINTMARK_DATA from a backup`;
  return `Cannot start (${[type, code].filter(Boolean).join(" ")})`;
}
