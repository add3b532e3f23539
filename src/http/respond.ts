import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { catalogue, MintmarkError } from "../errors.ts";

export type Document = {
  /** Default 200. */
  status?: number;
  /** Media type. */
  type: string;
  body: string | Buffer;
  /** Default `no-cache`: cached and revalidated each time. */
  cacheControl?: string;
  headers?: Readonly<Record<string, string>>;
};

/** Sends a document to GET and HEAD; 304 where `If-None-Match` matches (RFC 9110 §13.1.2). */
export function sendDocument(request: IncomingMessage, response: ServerResponse, document: Document): void {
  const etag = etagOf(document);
  response.setHeaders(new Headers({ ...document.headers, etag, "cache-control": document.cacheControl ?? "no-cache" }));
  if (document.status === undefined && matches(request.headers["if-none-match"], etag)) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(document.status ?? 200, {
    "content-type": document.type,
    "content-length": Buffer.byteLength(document.body),
  });
  response.end(request.method === "HEAD" ? undefined : document.body);
}

/** By document: hashing the script of `/docs` takes longer than sending it. */
const etags = new WeakMap<Document, string>();

function etagOf(document: Document): string {
  const known = etags.get(document);
  if (known !== undefined) return known;
  const etag = `"${createHash("sha256").update(document.body).digest("base64url").slice(0, 27)}"`;
  etags.set(document, etag);
  return etag;
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(etag) || tags.includes("*");
}

/** Sends an error as one line of plain text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.setHeader("x-request-id", requestIdOf(response.req));
  response
    .writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    })
    .end(`${text}\n`);
}

const BASIC = 'Basic realm="mintmark", charset="UTF-8"';
const BEARER = 'Bearer realm="mintmark", error="invalid_token"';

/** The headers of an error: the challenge (RFC 9110 §11.6.1) and `Retry-After` in seconds. */
export function headersFor(causes: readonly unknown[], { isOfPage }: { isOfPage: boolean }): Headers {
  const headers = new Headers();
  for (const cause of causes) {
    if (!(cause instanceof MintmarkError)) continue;
    if (catalogue[cause.reason].status === 401) {
      if (cause.reason !== "invalid_client") headers.set("www-authenticate", BEARER);
      else if (!isOfPage) headers.set("www-authenticate", BASIC);
    }
    if (cause.retryAfter !== undefined) headers.set("retry-after", String(cause.retryAfter));
  }
  return headers;
}

/**
 * Whether a script of a page sent a request. A browser answers a Basic challenge by a dialog, and the script would wait for
 * it. Node's `fetch` sends `Sec-Fetch-Mode` without `Sec-Fetch-Site`; over plain HTTP, browsers send both to loopback only.
 */
export function isOfPage({ headers }: IncomingMessage): boolean {
  if (headers["sec-fetch-site"] !== undefined) return headers["sec-fetch-mode"] !== "navigate";
  return headers.origin !== undefined || headers["x-requested-with"] !== undefined;
}

/** Safe in a log and in a header. */
const ACCEPTABLE_ID = /^[A-Za-z0-9._-]{1,64}$/;

const ids = new WeakMap<IncomingMessage, string>();

/** The id of a request in the log and in `x-request-id` of an error: the received one, or a random one. Generated on first use: most requests need none, and it takes 3 µs. */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers["x-request-id"];
  const id = typeof given === "string" && ACCEPTABLE_ID.test(given) ? given : randomUUID();
  ids.set(request, id);
  return id;
}

/** Sends head and body in one write: `end(body)` adds an empty one, and a vectored write takes 1 µs longer. */
export function endAtOnce(response: ServerResponse, body: string): void {
  const { socket } = response;
  // A response that waits behind another has none.
  if (!socket) return void response.end(body);
  socket.cork();
  response.write(body);
  socket.uncork();
  response.end();
}
