import { EventEmitter } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import type { Milliseconds } from "../time.ts";

/** As that of a response of `node:http`. */
const HIGH_WATER_MARK = 16_384;

/**
 * Answers a fetch request by a listener of `node:http`. Of its request and response there is what the listeners of this
 * package and tRPC's standalone adapter use. The target is in absolute form (RFC 9112 §3.2.2), so that the host of the URL
 * is checked beside the `Host` header. A body is received as it is read, and a stream is sent as its client reads it.
 */
export function answerByListener(
  listener: RequestListener,
  request: Request,
  address: string | undefined,
): Promise<Response> {
  return new Promise((resolve) => {
    const incoming = createIncoming(request, address);
    const outgoing = createOutgoing(incoming, resolve);
    const { signal } = request;
    signal.addEventListener("abort", outgoing.disconnect, { once: true });
    // An unread body is left to the platform: to cancel it can close the connection before the answer is sent.
    outgoing.once("close", () => signal.removeEventListener("abort", outgoing.disconnect));
    listener(incoming, outgoing as unknown as ServerResponse);
  });
}

function createIncoming(request: Request, remoteAddress: string | undefined): IncomingMessage {
  const { method } = request;
  const [url = ""] = request.url.split("#", 1);
  const headers = Object.fromEntries(request.headers);
  headers.host ??= new URL(url).host;
  const socket = Object.assign(new EventEmitter(), { remoteAddress });
  const received = { method, url, headers, rawHeaders: Object.entries(headers).flat(), socket };
  return Object.assign(bodyOf(request), received) as unknown as IncomingMessage;
}

/** The body as a stream of Node. Takes it when somebody reads: platforms can drain a body that nobody has touched. */
function bodyOf(request: Request): Readable {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new Readable({
    read() {
      reader ??= request.body?.getReader();
      if (reader === undefined) return void this.push(null);
      reader.read().then(
        ({ value }) => this.push(value ?? null),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error("The body ended")),
      );
    },
  });
}

type Chunk = string | Uint8Array;
type Value = string | number | readonly string[];

/** Makes a response of `node:http` that is passed to `send` when its head is complete. */
function createOutgoing(request: IncomingMessage, send: (response: Response) => void) {
  const headers = new Headers();
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isClosed = false;
  let onStall = (): NodeJS.Timeout | undefined => undefined;
  let stalled: NodeJS.Timeout | undefined;

  function respond(body: Uint8Array | ReadableStream | null): void {
    outgoing.headersSent = true;
    const { statusCode: status } = outgoing;
    const hasBody = request.method !== "HEAD" && status !== 204 && status !== 304;
    send(new Response(hasBody ? (body as ConstructorParameters<typeof Response>[0]) : null, { status, headers }));
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    clearTimeout(stalled);
    outgoing.emit("close");
  }

  /** What `node:http` does when the connection closes. */
  function disconnect(): void {
    if (isClosed) return;
    if (!outgoing.headersSent) respond(null);
    request.socket.emit("close");
    close();
  }

  /** Sends the head, and a body that is written later. */
  function begin(): void {
    const source = {
      start(controller: ReadableStreamDefaultController<Uint8Array>) {
        stream = controller;
      },
      pull() {
        clearTimeout(stalled);
        stalled = undefined;
        outgoing.emit("drain");
      },
      cancel: disconnect,
    };
    respond(new ReadableStream(source, { highWaterMark: HIGH_WATER_MARK, size: (chunk) => chunk?.byteLength ?? 0 }));
  }

  const outgoing = Object.assign(new EventEmitter(), {
    req: request,
    statusCode: 200,
    headersSent: false,
    writableEnded: false,
    disconnect,
    getHeader: (name: string) => headers.get(name) ?? undefined,
    setHeader(name: string, value: Value) {
      headers.delete(name);
      for (const one of [value].flat()) headers.append(name, String(one));
    },
    setHeaders(more: Headers) {
      for (const [name, value] of more) headers.set(name, value);
    },
    writeHead(status: number, more: Record<string, Value> | readonly string[] = {}) {
      outgoing.statusCode = status;
      const fields = isList(more) ? pairsOf(more) : Object.entries(more);
      for (const [name, value] of fields) outgoing.setHeader(name, value);
      outgoing.headersSent = true;
      return outgoing;
    },
    /** Disconnects a client that reads nothing for so long. */
    setTimeout(ms: Milliseconds, callback: () => void) {
      onStall = () => setTimeout(callback, ms);
    },
    destroy() {
      if (!isClosed) stream?.error(new Error("The client reads nothing"));
      disconnect();
    },
    flushHeaders() {
      if (stream === undefined && !isClosed) begin();
    },
    write(chunk: Chunk): boolean {
      if (isClosed) return true;
      if (stream === undefined) begin();
      stream?.enqueue(bytesOf(chunk));
      const isReady = (stream?.desiredSize ?? 0) > 0;
      if (!isReady) stalled ??= onStall();
      return isReady;
    },
    end(chunk?: Chunk) {
      if (outgoing.writableEnded) return;
      outgoing.writableEnded = true;
      if (stream === undefined && !isClosed) respondWhole(chunk);
      else if (!isClosed) {
        if (chunk !== undefined) stream?.enqueue(bytesOf(chunk));
        stream?.close();
      }
      queueMicrotask(close);
    },
  });

  function respondWhole(chunk: Chunk | undefined): void {
    const body = chunk === undefined ? null : bytesOf(chunk);
    if (!headers.has("content-length") && body !== null) headers.set("content-length", String(body.byteLength));
    respond(body);
  }

  return outgoing;
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

/** Names and values by turns. */
function pairsOf(list: readonly string[]): [string, string[]][] {
  const pairs = new Map<string, string[]>();
  for (let at = 0; at < list.length; at += 2) {
    const [name = "", value = ""] = list.slice(at, at + 2);
    pairs.set(name, [...(pairs.get(name) ?? []), value]);
  }
  return [...pairs];
}

function bytesOf(chunk: Chunk): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}
