import pino, { type Logger } from "pino";
import { MintmarkError, StartError } from "../errors.ts";
import { describeError } from "../http/log.ts";
import { storeRemedy } from "../store/remedies.ts";
import { ignoreClosedOutput } from "./closed-output.ts";

type Level = pino.LevelWithSilent;

/** Logs to standard error: for people on a terminal, else in JSON, one line each. */
export async function createLogger(level: Level): Promise<Logger> {
  if (!process.stderr.isTTY) return createJsonLogger(level);
  const { default: pretty } = await import("pino-pretty");
  return pino({ level }, pretty({ destination: standardError(), ignore: "pid,hostname" }));
}

function createJsonLogger(level: Level): Logger {
  return pino({ level }, standardError());
}

/** Bytes of the log that are kept while it cannot be written. */
const MAX_UNWRITTEN = 2 ** 20;

/** A log that cannot be written, since its reader ended or its disk is full, is no reason to serve nobody. */
function standardError() {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: MAX_UNWRITTEN });
  destination.on("error", () => {});
  return destination;
}

/** Says in one line why the process ends, whatever the level of the log. */
export function reportExit(error: unknown): void {
  const message = error instanceof StartError ? error.message : startFailure(error);
  if (process.stderr.isTTY) process.stderr.write(`mintmark: ${message}\n`);
  else createJsonLogger("fatal").fatal(message);
}

function startFailure(error: unknown): string {
  const cause = error instanceof MintmarkError ? error.cause : error;
  const { type, code } = describeError(cause);
  return storeRemedy(cause) ?? `Cannot start (${[type, code].filter(Boolean).join(" ")})`;
}

/**
 * Keeps what Node itself would write from standard error where that is no terminal, and logs it instead: warnings, and
 * errors that nothing caught, which end the process as before. Returns the function that names the log.
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
      logger.fatal({ error: describeError(error) }, "ended by an error that nothing caught");
      process.exit(1);
    });
  }
  return (named) => {
    logger = named;
  };
}
