import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { requestIdOf } from "./request/request-id.ts";

/** A document: what is sent, as what, and for how long it may be kept. */
export type Document = {
  /** Default 200. */
  status?: number;
  type: string;
  body: string | Buffer;
  /** Default `no-cache`: kept, but asked about each time. */
  cacheControl?: string;
  headers?: Readonly<Record<string, string>>;
};

/** Sends a document to GET and HEAD, `304` where the client has it already (RFC 9110 §13.1.2). */
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

const etags = new WeakMap<Document, string>();

/** Of a document that is made once, this is, too: to hash the script of `/docs` takes longer than to send it. */
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

/** Refuses with a line of plain text, where no procedure is concerned. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.setHeader("x-request-id", requestIdOf(response.req));
  response
    .writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" })
    .end(`${text}\n`);
}

/**
 * Answers by itself every method that is not served: OPTIONS with what is allowed, anything else with
 * 405. Says whether it did.
 */
export function refusesMethod(request: IncomingMessage, response: ServerResponse, allowed: readonly string[]): boolean {
  if (allowed.includes(request.method ?? "")) return false;
  response.setHeader("allow", [...allowed, "OPTIONS"].join(", "));
  if (request.method === "OPTIONS") response.writeHead(204).end();
  else sendText(response, 405, "Method not allowed");
  return true;
}
