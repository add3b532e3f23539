import { readConfig } from "../../src/program/config.ts";
import { exitMessage } from "../../src/program/report.ts";
import { openConfigured } from "../../src/program/serve.ts";
import { captureLog } from "./log.ts";

type Environment = Readonly<Record<string, string>>;

export type OpenedProgram = Awaited<ReturnType<typeof openProgram>>;

/**
 * Opens the server that these variables configure, in this process: the program without its process, its output and its
 * signals, which tests start by `startServer`.
 */
export async function openProgram(environment: Environment, { lines, logger } = captureLog()) {
  const config = readConfig({ PORT: "0", ...environment });
  logger.level = config.logLevel;
  const { origin, close } = await openConfigured(config, { logger });
  let closed: Promise<void> | undefined;
  const stop = () => {
    closed ??= close();
    return closed;
  };
  return { origin, log: () => lines.join(""), stop, [Symbol.asyncDispose]: stop };
}

/** Opens a server that should refuse to start. Returns the line in which the program says why, and its log until then. */
export async function openInVain(environment: Environment) {
  const captured = captureLog();
  const opened = await openProgram(environment, captured).catch(exitMessage);
  if (typeof opened !== "string") await opened.stop();
  return { message: typeof opened === "string" ? opened : undefined, log: captured.lines.join("") };
}
