import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { MintmarkError } from "../errors.ts";
import { storeRemedy } from "../store/remedies.ts";
import type { Milliseconds } from "../time.ts";
import { requestIdOf } from "./respond.ts";

/**
 * What the log may contain of an unexpected error: type, code and stack frames. Never its message, which can quote an
 * input, a token or a connection string.
 */
export function describeError(error: unknown): { type: string; code?: string; frames?: string[] } {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  return { type: error.name, ...code, ...(frames && { frames: frames.map((line) => line.trim()) }) };
}

/** Shortest interval between two logs of one remedy: while the database is down, every call fails by it. */
const REPEAT_AFTER_MS: Milliseconds = 60_000;

/**
 * Makes the function that returns the operator's remedy for a failure of the store in one sentence, at most once a minute.
 * It quotes nothing of the error.
 */
export function createRemedies(
  now: () => Milliseconds = () => performance.now(),
): (cause: unknown) => string | undefined {
  const logged = new Map<string, Milliseconds>();
  return (cause) => {
    const remedy = storeRemedy(cause);
    const last = logged.get(remedy ?? "");
    if (remedy === undefined || (last !== undefined && now() - last < REPEAT_AFTER_MS)) return undefined;
    logged.set(remedy, now());
    return remedy;
  };
}

/** Logs a call that the server failed. `of` names what was called. The issues of an error quote no value. */
export type LogFailure = (
  request: IncomingMessage,
  of: { procedure: string | undefined } | { route: string },
  error: unknown,
) => void;

export function createFailureLog(logger: Logger): LogFailure {
  const remedyOnce = createRemedies();
  return (request, of, error) => {
    const origin = error instanceof MintmarkError ? (error.cause ?? error) : error;
    const remedy = remedyOnce(origin);
    const issues = error instanceof MintmarkError ? error.issues : [];
    const call = { requestId: requestIdOf(request), ...of, error: describeError(origin) };
    const more = { ...(issues.length > 0 && { issues }), ...(remedy !== undefined && { remedy }) };
    logger.error({ ...call, ...more }, "call failed");
  };
}

/** Logs a request when it ends. Names only the route, never a query or an unknown path. */
export function logRequest(
  logger: Logger,
  route: string,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): void {
  const start = performance.now();
  response.once("close", () => {
    const ms = Math.round((performance.now() - start) * 10) / 10;
    const requestId = requestIdOf(request);
    logger.debug({ requestId, method: request.method, route, status: response.statusCode, ms }, "request");
  });
}
