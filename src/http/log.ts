import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { requestIdOf } from "./request-id.ts";

/**
 * What may be logged of an unexpected error: its type, its code and where it was thrown. Never its
 * message, which can quote an input, a token or a connection string.
 */
export function describeError(error: unknown): { type: string; code?: string; frames?: string[] } {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  return { type: error.name, ...code, ...(frames && { frames: frames.map((line) => line.trim()) }) };
}

/** Logs one line per request at debug level. Only the route is told, never a query or an unknown path. */
export function logRequest(
  logger: Logger,
  route: string,
  exchange: { request: IncomingMessage; response: ServerResponse },
): void {
  if (!logger.isLevelEnabled("debug")) return;
  const { request, response } = exchange;
  const start = performance.now();
  response.once("close", () => {
    const ms = Math.round((performance.now() - start) * 10) / 10;
    const requestId = requestIdOf(request);
    logger.debug({ requestId, method: request.method, route, status: response.statusCode, ms }, "request");
  });
}
