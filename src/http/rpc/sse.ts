import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type AnyTRPCRouter,
  callTRPCProcedure,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  type TRPCError,
} from "@trpc/server";
import { completesWithin } from "../../async/with-timeout.ts";
import type { Milliseconds } from "../../time.ts";
import { headersFor, isOfPage } from "../respond.ts";
import { sendError, sendFallbackError } from "./answers.ts";
import { createInputs, type InputRules } from "./inputs.ts";
import { eventOf, format, writeEvent } from "./sse-event.ts";

export type Subscription = {
  router: AnyTRPCRouter;
  /** The name of the procedure. */
  path: string;
  /** The query of the target. */
  query: string;
  /** How the input is parsed. Default: as by tRPC's adapter. */
  inputRules?: InputRules;
  context: object;
  onError: (failure: { error: TRPCError; path: string; req: IncomingMessage }) => void;
  /**
   * Whether many clients get the same data, which never change, and `return` ends the subscription also while it waits. Then an
   * event is formatted once, and there is no signal, which takes a kilobyte for each client. Default false.
   */
  isShared?: boolean | undefined;
  /** Longest wait for the first value before the head is sent. Default 2.5 s, longer than a rejection takes. */
  firstValueTimeout?: Milliseconds;
};

const FIRST_VALUE_TIMEOUT_MS: Milliseconds = 2500;

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  vary: "trpc-accept, accept",
};

/**
 * Serves a subscription as server-sent events in the format of tRPC's adapter, directly to the socket: there, an event
 * passes through five web streams for each client. Its values are either all tracked, or none.
 *
 * An error before the first value is sent with its status, as for any other call. The adapter sends 200 first, and hides the
 * error from proxies, metrics and clients.
 *
 * One function for all of it: thousands of streams wait in it at a time.
 */
export async function serveSubscription(
  request: IncomingMessage,
  response: ServerResponse,
  subscription: Subscription,
): Promise<void> {
  const reader: Reader = { hasLeft: false, end: undefined, resume: undefined };
  const leave = () => {
    reader.hasLeft = true;
    reader.end?.();
    reader.resume?.();
  };
  // On the socket: Node emits no event for a response that waits behind another.
  request.socket.on("close", leave);
  try {
    const stream = await startStream(request, reader, subscription);
    response.writeHead(200, { ...HEADERS, vary: [HEADERS.vary, response.getHeader("vary") ?? []].flat().join(", ") });
    // Alone: Node keeps the head for as long as the response, as one text or in forty parts that it puts together to send it.
    response.flushHeaders();
    response.write(CONNECTED);
    // The context of another subscription may read them later.
    if (subscription.isShared) forgetHeaders(request);
    for (let next = await stream.pending; !next.done; next = await stream.pending) {
      const hasRoom = writeEvent(response, eventOf(next.value, subscription));
      if (!hasRoom && !reader.hasLeft) await drained(response, reader);
      if (reader.hasLeft) return void (await stream.values.return?.());
      stream.pending = stream.values.next();
    }
    if (!reader.hasLeft) response.write(format({ event: "return", data: "" }));
  } catch (cause) {
    if (!isAbort(cause)) sendFailure(response, subscription, cause);
  } finally {
    request.socket.off("close", leave);
    response.end();
  }
}

/** The client of a stream. When its connection closes, `end` ends the subscription, and `resume` ends a wait for the client. */
type Reader = { hasLeft: boolean; end: (() => void) | undefined; resume: (() => void) | undefined };

/** `pending` is the value that is waited for: in a variable, the first one would be held for as long as the stream. */
type StartedStream = { values: AsyncIterator<unknown>; pending: Promise<IteratorResult<unknown>> };

/** Calls the procedure, and waits for its first value, its error or the timeout. */
async function startStream(
  request: IncomingMessage,
  reader: Reader,
  subscription: Subscription,
): Promise<StartedStream> {
  const { isShared = false, firstValueTimeout = FIRST_VALUE_TIMEOUT_MS } = subscription;
  const leaving = isShared ? undefined : new AbortController();
  const values = (await call(request, subscription, leaving?.signal))[Symbol.asyncIterator]();
  reader.end = () => (leaving === undefined ? void values.return?.() : leaving.abort());
  if (reader.hasLeft) reader.end();
  const pending = values.next();
  try {
    await completesWithin(firstValueTimeout, pending);
  } catch (cause) {
    // The server is stopping. A browser reconnects after a stream that has ended, and after no error.
    if (!isAbort(cause)) throw cause;
  }
  return { values, pending };
}

/** The headers take a kilobyte for each stream. The id of the request is needed for the log. */
function forgetHeaders(request: IncomingMessage): void {
  const id = request.headers["x-request-id"];
  request.headers = id === undefined ? {} : { "x-request-id": id };
  request.rawHeaders = [];
}

async function call(
  request: IncomingMessage,
  { router, path, query, inputRules: rules, context }: Subscription,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<unknown>> {
  return (await callTRPCProcedure({
    router,
    path,
    type: "subscription",
    ctx: context,
    signal,
    batchIndex: 0,
    getRawInput: async () => {
      const parameters = new URLSearchParams(query);
      const receive = () => parameters.get("input");
      const source = { request, target: { path, query }, isBatch: false, isSubscription: true };
      const inputs = createInputs(source, { router, rules, receive });
      return withLastEventId(await inputs.read(0), request, parameters);
    },
  })) as AsyncIterable<unknown>;
}

/** The input with the id of the last event that a reconnecting client has received. */
function withLastEventId(input: unknown, { headers }: IncomingMessage, parameters: URLSearchParams): unknown {
  const lastEventId =
    headers["last-event-id"] ?? parameters.get("lastEventId") ?? parameters.get("Last-Event-Id") ?? undefined;
  const isObject = typeof input === "object" && input !== null;
  return lastEventId !== undefined && (isObject || input === undefined) ? { ...(input ?? {}), lastEventId } : input;
}

/** Sends an error, or an internal one where the error formatter of another router throws. */
function sendFailure(response: ServerResponse, subscription: Subscription, cause: unknown): void {
  const { router, path, onError } = subscription;
  const error = getTRPCErrorFromUnknown(cause);
  onError({ error, path, req: response.req });
  try {
    sendShape(response, subscription, error);
  } catch (thrown) {
    const again = getTRPCErrorFromUnknown(thrown);
    onError({ error: again, path, req: response.req });
    sendFallbackError(response, router, again);
  }
}

/** Sends an error: with its status if the head was not sent, else as an event. */
function sendShape(response: ServerResponse, { router, path, context }: Subscription, error: TRPCError): void {
  const { _config: config } = router._def;
  const details = { type: "subscription", path, input: undefined, ctx: context } as const;
  const shape = getTRPCErrorShape({ config, error, ...details });
  if (response.headersSent) {
    response.write(format({ event: "serialized-error", data: JSON.stringify(shape) }));
    return;
  }
  const headers = headersFor([error.cause], { isOfPage: isOfPage(response.req) });
  for (const [name, value] of headers) response.setHeader(name, value);
  sendError(response, error, shape);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Resolves when the client has read enough, or has left. */
function drained(response: ServerResponse, reader: Reader): Promise<void> {
  const source = response.socket ?? response;
  return new Promise((resolve) => {
    const done = () => {
      source.off("drain", done);
      resolve();
    };
    source.on("drain", done);
    reader.resume = done;
  });
}

const CONNECTED = format({ event: "connected", data: "{}" });
