import pino, { type Logger } from "pino";
import { type Config, readConfig } from "./config.ts";
import { MintmarkError, StartError } from "./errors.ts";
import { describeError } from "./http/log.ts";
import { serve } from "./serve.ts";

/** Runs the server until it is told to stop. Standard output says where it listens, standard error has the log. */
async function main(): Promise<void> {
  const config = readConfig();
  const logger = await createLogger(config.logLevel);
  const announce = (origin: string) => {
    process.stdout.write(welcome(origin));
    if (config.access === "open") logger.info("access is open: every program on this machine may do everything");
  };
  if (config.workers > 1) {
    const { serveByWorkers } = await import("./workers.ts");
    await serveByWorkers(config, { logger, announce });
  } else {
    await serve(config, { logger, announce });
  }
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
