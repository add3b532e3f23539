import pino, { type Logger } from "pino";
import { MintmarkError, StartError } from "../errors.ts";
import { describeError } from "../http/log.ts";
import { storeRemedy } from "../store/remedies.ts";
import { ignoreClosedOutput } from "./closed-output.ts";

type Level = pino.LevelWithSilent;

/** Creates the log on standard error: readable text on a terminal, else one line of JSON an entry. */
export async function createLogger(level: Level): Promise<Logger> {
  if (!process.stderr.isTTY) return createJsonLogger(level);
  const { default: pretty } = await import("pino-pretty");
  return pino({ level }, pretty({ destination: standardError(), ignore: "pid,hostname" }));
}

function createJsonLogger(level: Level): Logger {
  return pino({ level }, standardError());
}

/** Bytes of the log that wait while standard error cannot be written. */
const MAX_UNWRITTEN = 2 ** 20;

/** The server goes on when its log cannot be written: the reader ended, or the disk is full. */
function standardError() {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: MAX_UNWRITTEN });
  destination.on("error", () => {});
  return destination;
}

/** Logs in one line why the process ends, at any level of the log. */
export function reportExit(error: unknown): void {
  const message = exitMessage(error);
  if (process.stderr.isTTY) process.stderr.write(`mintmark: ${message}\n`);
  else createJsonLogger("fatal").fatal(message);
}

/** Why the server could not start, in one line for the operator. */
export function exitMessage(error: unknown): string {
  return error instanceof StartError ? error.message : startFailure(error);
}

function startFailure(error: unknown): string {
  const cause = error instanceof MintmarkError ? error.cause : error;
  const { type, code } = describeError(cause);
  return storeRemedy(cause) ?? `Cannot start (${[type, code].filter(Boolean).join(" ")})`;
}

/**
 * Logs warnings of Node and uncaught errors, so that standard error has JSON alone unless it is a terminal. An uncaught
 * error still ends the process. Returns the function that sets the logger.
 */
export function logProcessEvents(): (logger: Logger) => void {
  let logger = createJsonLogger("info");
  ignoreClosedOutput(() => {});
  if (!process.stderr.isTTY) {
    process.removeAllListeners("warning");
    process.on("warning", (warning) => {
      const { name, message } = warning;
      const code = "code" in warning && typeof warning.code === "string" ? { code: warning.code } : {};
      logger.warn({ warning: name, ...code }, message);
    });
    process.on("uncaughtException", (error) => {
      logger.fatal({ error: describeError(error) }, "uncaught error");
      process.exit(1);
    });
  }
  return (configured) => {
    logger = configured;
  };
}
