import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { storeRemedy } from "../store/remedies.ts";
import type { Milliseconds } from "../time.ts";
import { requestIdOf } from "./request/request-id.ts";

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

/** How often the same remedy is logged, in milliseconds: while the database is away, every call fails by it. */
const AGAIN: Milliseconds = 60_000;

/**
 * Makes what says what an operator should do about a failure of the store, in one sentence without what was thrown: with
 * the first of many failures, and once a minute while they last. Undefined for the others.
 */
export function createRemedies(
  now: () => Milliseconds = () => performance.now(),
): (cause: unknown) => string | undefined {
  const said = new Map<string, Milliseconds>();
  return (cause) => {
    const remedy = storeRemedy(cause);
    const last = said.get(remedy ?? "");
    if (remedy === undefined || (last !== undefined && now() - last < AGAIN)) return undefined;
    said.set(remedy, now());
    return remedy;
  };
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
