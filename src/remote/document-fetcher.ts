import type { IncomingMessage } from "node:http";
import type { Seconds } from "../time.ts";
import { type JsonObject, parseJsonObject } from "../token/json.ts";
import { type LifetimeBounds, maxAgeOf, parseAge } from "./cache-lifetime.ts";
import { type ExchangeOptions, type FetchFailure, failed, guardedExchange } from "./guarded-exchange.ts";

export type FetcherOptions = ExchangeOptions & {
  /** Longest body, in bytes. */
  maxBytes: number;
};

/** A fetched document, and how long it may be cached: by its `Cache-Control`, a minute to a day. */
export type FetchedDocument = { outcome: "fetched"; document: JsonObject; lifetime: Seconds };

/** Fetches a document by its URL. Never rejects. */
export type DocumentFetcher = (url: string) => Promise<FetchedDocument | FetchFailure>;

const LIFETIME: LifetimeBounds = { min: 60, max: 86400, fallback: 300 };

/** Fetches at one moment, so that slow servers cannot use up the sockets of the process. */
const MAX_CONCURRENT = 64;

/**
 * Makes the function that fetches JSON documents of other parties: keys of clients, metadata of clients. An attacker chooses
 * their URLs; see `guardedExchange`. Accepts status 200 and a JSON object without content encoding. Calls for a URL that is
 * being fetched share the fetch.
 */
export function createDocumentFetcher(options: FetcherOptions): DocumentFetcher {
  const running = new Map<string, Promise<FetchedDocument | FetchFailure>>();
  const read = (response: IncomingMessage) => readDocument(response, options.maxBytes);
  return async (url) => {
    const shared = running.get(url);
    if (shared !== undefined) return shared;
    if (running.size >= MAX_CONCURRENT) return failed("busy");
    const fetching = guardedExchange(options, { url, read }).finally(() => running.delete(url));
    running.set(url, fetching);
    return fetching;
  };
}

async function readDocument(response: IncomingMessage, maxBytes: number): Promise<FetchedDocument | FetchFailure> {
  const { statusCode, headers } = response;
  if (statusCode !== 200) return failed("status", String(statusCode));
  // A few bytes can decode to gigabytes.
  if ((headers["content-encoding"] ?? "identity") !== "identity") return failed("encoded");
  if (!JSON_TYPE.test(headers["content-type"] ?? "")) return failed("not_json");
  const body = await readBytes(response, maxBytes);
  if (body === undefined) return failed("too_large");
  const document = parseJsonObject(body);
  if (document === undefined) return failed("not_json");
  const maxAge = maxAgeOf(headers["cache-control"] ?? "", LIFETIME) - parseAge(headers.age ?? "");
  return { outcome: "fetched", document, lifetime: Math.max(maxAge, LIFETIME.min) };
}

/** `application/json`, or a type with the suffix of RFC 6839 §3.1, such as `application/jwk-set+json`. */
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json[ \t]*(?:;|$)/i;

/** Reads a body; `undefined` as soon as it is too long. */
async function readBytes(response: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
