import type { IncomingMessage, ServerResponse } from "node:http";
import { StartError } from "../../errors.ts";
import { isLoopback } from "./origin.ts";

/** What origins have to be. */
export const ORIGINS =
  "must be origins as browsers send them, such as https://app.example or http://localhost:5173: scheme, host and port alone, and http for this machine only";

/** A host as it stands in an origin. To the URL standard an asterisk is a letter of a name like any other. */
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])$/;

/** Whether a text is an origin that may be named: one, exactly, and none whose pages the network could write. */
export function isOrigin(text: string): boolean {
  const url = parse(text);
  if (url?.origin !== text || !HOST.test(url.hostname)) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLocalHost(url));
}

/** Whether an origin is of this machine: no page of another machine can have it. */
export function isLoopbackOrigin(text: string): boolean {
  const url = parse(text);
  return url?.origin === text && isLocalHost(url);
}

/** Browsers take every name below `localhost` for this machine (RFC 6761 §6.3). */
function isLocalHost({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[|\]$/g, "")) || hostname.endsWith(".localhost");
}

export type OriginList = {
  /** Whether any origin is named, so that answers depend on it. */
  isEmpty: boolean;
  /** Whether a request comes from a page of an origin that is named. */
  names: (request: IncomingMessage) => boolean;
};

/** Makes the list of origins whose pages may call. Throws a {@link StartError} for what is none, or none that may be named. */
export function createOriginList(origins: readonly string[], { open }: { open: boolean }): OriginList {
  if (!origins.every(isOrigin)) throw new StartError(`origins ${ORIGINS}`);
  if (open && !origins.every(isLoopbackOrigin))
    throw new StartError("Access is open, so origins can be of this machine only: their pages could do everything");
  const named = new Set(origins);
  return { isEmpty: named.size === 0, names: ({ headers: { origin } }) => origin !== undefined && named.has(origin) };
}

/** What a page sends beside what it may always send. Never cookies, nor what a browser remembers by itself. */
const REQUEST_HEADERS =
  "authorization, cache-control, content-type, last-event-id, traceparent, tracestate, trpc-accept, x-request-id, x-requested-with, x-trpc-source";
const RESPONSE_HEADERS = "retry-after, www-authenticate, x-request-id";

/** Seconds for which a browser need not ask again. Chromium takes no more. */
const MAX_AGE = "7200";

/** Lets a page of a named origin read the answer (Fetch standard §3.2), or send what it asks about. */
export function admitOrigin(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", request.headers.origin ?? "");
  response.setHeader("access-control-expose-headers", RESPONSE_HEADERS);
  if (!isPreflight(request)) return;
  response.setHeader("access-control-allow-methods", "GET, POST");
  response.setHeader("access-control-allow-headers", REQUEST_HEADERS);
  response.setHeader("access-control-max-age", MAX_AGE);
}

/** Lets pages of every origin read a document that is public. */
export function admitAnyOrigin(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  if (!isPreflight(request)) return;
  response.setHeader("access-control-allow-methods", "GET, HEAD");
  response.setHeader("access-control-allow-headers", "*");
  response.setHeader("access-control-max-age", MAX_AGE);
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
