import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type AnyTRPCRouter,
  callTRPCProcedure,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  isTrackedEnvelope,
  type TRPCError,
} from "@trpc/server";
import type { Milliseconds } from "../../time.ts";
import { headersFor, isOfPage, sendError } from "../error-response.ts";
import { createInputs, type InputRules } from "./inputs.ts";

export type Subscription = {
  router: AnyTRPCRouter;
  /** The name of the procedure. */
  path: string;
  /** The query of the URL. */
  query: string;
  /** How the input is read. Default: as by tRPC's own adapter. */
  inputRules?: InputRules;
  context: object;
  onError: (failure: { error: TRPCError; path: string }) => void;
  /** How long the first value may let the head of the answer wait, in milliseconds. Default 2.5 s, longer than a refusal takes. */
  slowReaderTimeout?: Milliseconds;
};

const SLOW_READER_TIMEOUT_MS: Milliseconds = 2500;

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  vary: "trpc-accept, accept",
};

/** The name of the subscription that a request asks for, if it asks for one and for nothing else. */
export function subscriptionIn(router: AnyTRPCRouter, request: IncomingMessage, name: string): string | undefined {
  if (request.method !== "GET") return undefined;
  const { procedures } = router._def;
  const isThere = Object.hasOwn(procedures, name);
  return isThere && procedures[name]?._def.type === "subscription" ? name : undefined;
}

/**
 * Serves a subscription as server-sent events, in the words of tRPC's own adapter, straight to the socket:
 * there an event passes through five web streams for each of those who listen, here through none. Its values
 * are tracked all of them, or none. What is refused before there is a first value is answered as any other call is,
 * with a status: the adapter says 200 before it knows, so that no proxy, no measure and no client sees a refusal.
 */
export async function serveSubscription(
  request: IncomingMessage,
  response: ServerResponse,
  subscription: Subscription,
): Promise<void> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  // The connection, not the answer: of one that waits behind another, Node does not say that it is over.
  request.socket.once("close", leave);
  try {
    const { values, first } = await startStream(request, subscription, leaving.signal);
    response.writeHead(200, { ...HEADERS, vary: [HEADERS.vary, response.getHeader("vary") ?? []].flat().join(", ") });
    response.write(written({ event: "connected", data: "{}" }));
    await sendAll(response, { values, first, signal: leaving.signal });
  } catch (cause) {
    if (!isAbort(cause)) sendFailure(response, subscription, cause);
  } finally {
    request.socket.off("close", leave);
  }
  response.end();
}

type StartedStream = { values: AsyncIterator<unknown>; first: Promise<IteratorResult<unknown>> };

/** Calls the procedure, and waits for its first value or its refusal; for a value not without end. */
async function startStream(
  request: IncomingMessage,
  subscription: Subscription,
  signal: AbortSignal,
): Promise<StartedStream> {
  const values = (await call(request, subscription, signal))[Symbol.asyncIterator]();
  const first = values.next();
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, subscription.slowReaderTimeout ?? SLOW_READER_TIMEOUT_MS);
  });
  try {
    await Promise.race([first, timedOut]);
  } catch (cause) {
    // To be sent to another server is no refusal: a browser comes again to a stream that has ended, and to nothing else.
    if (!isAbort(cause)) throw cause;
  } finally {
    clearTimeout(timer);
  }
  return { values, first };
}

async function sendAll(
  response: ServerResponse,
  { values, first, signal }: StartedStream & { signal: AbortSignal },
): Promise<void> {
  for (let next = await first; !next.done; next = await values.next()) {
    const { value } = next;
    const [id, data] = isTrackedEnvelope(value) ? value : [undefined, value];
    if (!response.write(written({ data: JSON.stringify(data), id }))) await drained(response, signal);
    if (!signal.aborted) continue;
    await values.return?.();
    return;
  }
  response.write(written({ event: "return", data: "" }));
}

async function call(
  request: IncomingMessage,
  { router, path, query, inputRules: rules, context }: Subscription,
  signal: AbortSignal,
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
      const inputs = createInputs({ request, isBatch: false, isSubscription: true }, { router, rules, receive });
      return withLastEventId(await inputs.read(0), request, parameters);
    },
  })) as AsyncIterable<unknown>;
}

/** The input, and in it, where a browser comes again, the id of the last event that it has. */
function withLastEventId(input: unknown, { headers }: IncomingMessage, parameters: URLSearchParams): unknown {
  const lastEventId =
    headers["last-event-id"] ?? parameters.get("lastEventId") ?? parameters.get("Last-Event-Id") ?? undefined;
  const isObject = typeof input === "object" && input !== null;
  return lastEventId !== undefined && (isObject || input === undefined) ? { ...(input ?? {}), lastEventId } : input;
}

/** Sends why there is nothing, or nothing more: with a status where none was sent yet, else as an event. */
function sendFailure(response: ServerResponse, subscription: Subscription, cause: unknown): void {
  const { router, path, context, onError } = subscription;
  const error = getTRPCErrorFromUnknown(cause);
  onError({ error, path });
  const { _config: config } = router._def;
  const details = { type: "subscription", path, input: undefined, ctx: context } as const;
  const shape = getTRPCErrorShape({ config, error, ...details });
  if (response.headersSent) {
    response.write(written({ event: "serialized-error", data: JSON.stringify(shape) }));
    return;
  }
  const headers = headersFor([error.cause], { isOfPage: isOfPage(response.req) });
  for (const [name, value] of headers) response.setHeader(name, value);
  sendError(response, error, shape);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  await once(response, "drain", { signal }).catch(() => {});
}

/** An event as the HTML standard has it (§9.2.5). Nothing in one has a line break: the data is JSON. */
function written({ event, data, id }: { event?: string; data: string; id?: string | undefined }): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n${id === undefined ? "" : `id: ${id}\n`}\n`;
}
