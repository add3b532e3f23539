import pino, { type Logger } from "pino";
import { type Config, readConfig } from "./config.ts";
import { StartError } from "./errors.ts";
import { listen, type RunningServer } from "./http/listen.ts";
import { describeError } from "./http/log.ts";
import { createRequestHandler } from "./http/server.ts";
import { createTokenService } from "./service/service.ts";
import { openSqliteStore } from "./store/sqlite.ts";

/** Runs the server until it is told to stop. Standard output says where it listens, standard error has the log. */
async function main(): Promise<void> {
  const config = readConfig();
  const logger = await createLogger(config.logLevel);
  const server = await start(config, logger);
  const stop = async (signal: NodeJS.Signals) => {
    logger.info({ signal }, "finishing what is in flight");
    await server.close();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Last, so that whoever waits for this line can also stop the server.
  process.stdout.write(welcome(server.origin));
  logger.info("access is open: every program on this machine may do everything");
}

function start(config: Config, logger: Logger): Promise<RunningServer> {
  return listen({
    host: config.host,
    port: config.port,
    async prepare(origin) {
      const service = await createTokenService({
        issuer: config.issuer ?? origin,
        ...(config.audience !== undefined && { audience: config.audience }),
        ...(config.secret !== undefined && { secret: config.secret }),
        store: await openSqliteStore(config.data),
        alg: config.alg,
        ttl: config.ttl,
        maxTtl: config.maxTtl,
      });
      return { listener: createRequestHandler(service, { logger }), close: service.close };
    },
  });
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
  process.exitCode = 1;
});

function whatFailed(error: unknown): string {
  const { type, code } = describeError(error);
  if (code?.startsWith("SQLITE_")) return `The database cannot be read (${code}): restore MINTMARK_DATA from a backup`;
  return `Cannot start (${[type, code].filter(Boolean).join(" ")})`;
}
