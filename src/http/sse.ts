import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type AnyTRPCRouter,
  callTRPCProcedure,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  isTrackedEnvelope,
  TRPCError,
} from "@trpc/server";

export type Subscription = {
  router: AnyTRPCRouter;
  /** The name of the procedure. */
  path: string;
  context: object;
  onError: (failure: { error: TRPCError; path: string }) => void;
};

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  vary: "trpc-accept, accept",
};

/** The name of the subscription that a request asks for, if it asks for one and for nothing else. */
export function subscriptionIn(router: AnyTRPCRouter, request: IncomingMessage, base: string): string | undefined {
  if (request.method !== "GET") return undefined;
  const [path = ""] = (request.url ?? "").split("?", 1);
  const name = path.slice(base.length);
  const { procedures } = router._def;
  const isThere = Object.hasOwn(procedures, name);
  return isThere && procedures[name]?._def.type === "subscription" ? name : undefined;
}

/**
 * Serves a subscription as server-sent events, in the words of tRPC's own adapter, straight to the socket:
 * there an event passes through five web streams for each of those who listen, here through none. Its values
 * are tracked all of them, or none.
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
  response.writeHead(200, HEADERS);
  response.write(written({ event: "connected", data: "{}" }));
  try {
    for await (const value of await call(request, subscription, leaving.signal)) {
      const [id, data] = isTrackedEnvelope(value) ? value : [undefined, value];
      if (!response.write(written({ data: JSON.stringify(data), id }))) await drained(response, leaving.signal);
      if (leaving.signal.aborted) return;
    }
    response.write(written({ event: "return", data: "" }));
  } catch (cause) {
    if (!isAbort(cause)) response.write(written({ event: "serialized-error", data: explain(cause, subscription) }));
  } finally {
    request.socket.off("close", leave);
  }
  response.end();
}

async function call(
  request: IncomingMessage,
  { router, path, context }: Subscription,
  signal: AbortSignal,
): Promise<AsyncIterable<unknown>> {
  return (await callTRPCProcedure({
    router,
    path,
    type: "subscription",
    ctx: context,
    signal,
    batchIndex: 0,
    getRawInput: async () => inputOf(request),
  })) as AsyncIterable<unknown>;
}

/** The input in the URL, and in it, where a browser comes again, the id of the last event that it has. */
function inputOf({ url = "", headers }: IncomingMessage): unknown {
  const { searchParams } = new URL(url, "http://localhost");
  const lastEventId =
    headers["last-event-id"] ?? searchParams.get("lastEventId") ?? searchParams.get("Last-Event-Id") ?? undefined;
  const input = parse(searchParams.get("input"));
  const isObject = typeof input === "object" && input !== null;
  return lastEventId !== undefined && (isObject || input === undefined) ? { ...(input ?? {}), lastEventId } : input;
}

function parse(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new TRPCError({ code: "BAD_REQUEST", message: cause instanceof Error ? cause.message : "", cause });
  }
}

function explain(cause: unknown, { router, path, context, onError }: Subscription): string {
  const error = getTRPCErrorFromUnknown(cause);
  onError({ error, path });
  const { _config: config } = router._def;
  return JSON.stringify(
    getTRPCErrorShape({ config, error, type: "subscription", path, input: undefined, ctx: context }),
  );
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
