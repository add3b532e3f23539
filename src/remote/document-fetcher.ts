import type { IncomingMessage } from "node:http";
import type { Milliseconds, Seconds } from "../time.ts";
import { type JsonObject, parseJsonObject } from "../token/json.ts";
import { type AddressPolicy, isLoopbackAddress, isPublicAddress } from "./addresses.ts";
import { type LifetimeBounds, maxAgeOf, parseAge } from "./cache-lifetime.ts";
import { hostOf, literalAddresses, parseDocumentUrl } from "./document-url.ts";
import { exchange } from "./exchange.ts";
import { createDnsResolve, type Resolve } from "./resolve.ts";

export type FetcherOptions = {
  /** Longest body, in bytes. */
  maxBytes: number;
  /** Longest time of a fetch, from the DNS query to the end of the body. Default 5 s. */
  timeoutMs?: Milliseconds;
  /**
   * Which addresses may be connected to. Default: those of the public internet. Loopback must be allowed for development
   * only: every document could then reach the services of this machine.
   */
  isAllowed?: AddressPolicy;
  /** Default: DNS. */
  resolve?: Resolve;
  /** Certificates to trust, in PEM. Default: those of Node. */
  ca?: string;
};

/** Why a document was not fetched. For logs: what a stranger learns of it maps the network of this server. */
export type FetchReason =
  | "not_allowed_url"
  | "not_allowed_address"
  | "busy"
  | "unreachable"
  | "timeout"
  | "redirected"
  | "status"
  | "encoded"
  | "not_json"
  | "too_large";

/** A fetched document, and how long it may be cached: by its `Cache-Control`, a minute to a day. */
export type FetchedDocument = { outcome: "fetched"; document: JsonObject; lifetime: Seconds };

/** `detail` is an HTTP status or an error code of Node. */
export type FetchFailure = { outcome: "failed"; reason: FetchReason; detail?: string | undefined };

/** Fetches a document by its URL. Never rejects. */
export type DocumentFetcher = (url: string) => Promise<FetchedDocument | FetchFailure>;

const resolveByDns = createDnsResolve();
const TIMEOUT_MS: Milliseconds = 5000;
const LIFETIME: LifetimeBounds = { min: 60, max: 86400, fallback: 300 };

/** Fetches at one moment, so that slow servers cannot use up the sockets of the process. */
const MAX_CONCURRENT = 64;

/** Connection attempts of a fetch. A name can have any number of addresses. */
const MAX_ADDRESSES = 8;

/**
 * Makes the function that fetches JSON documents of other parties: keys of clients, metadata of clients. An attacker chooses
 * their URLs, so it reaches no private address (server-side request forgery): it resolves the name once, requires that
 * **every** address is allowed, connects to these alone, and follows no redirect. Accepts status 200 and a JSON object without
 * content encoding. Calls for a URL that is being fetched share the fetch.
 */
export function createDocumentFetcher(options: FetcherOptions): DocumentFetcher {
  const running = new Map<string, Promise<FetchedDocument | FetchFailure>>();
  return async (url) => {
    const shared = running.get(url);
    if (shared !== undefined) return shared;
    if (running.size >= MAX_CONCURRENT) return failed("busy");
    const fetching = fetchDocument(url, options).finally(() => running.delete(url));
    running.set(url, fetching);
    return fetching;
  };
}

async function fetchDocument(text: string, options: FetcherOptions): Promise<FetchedDocument | FetchFailure> {
  const url = parseDocumentUrl(text);
  if (url === undefined) return failed("not_allowed_url");
  const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  try {
    const addresses = await within(signal, resolveHost(url, { signal, resolve: options.resolve ?? resolveByDns }));
    if (!areAllowed(addresses, url, options.isAllowed ?? isPublicAddress)) return failed("not_allowed_address");
    const connection = { addresses: addresses.slice(0, MAX_ADDRESSES), signal, ca: options.ca };
    const response = await within(signal, exchange(url, connection));
    // Also ends the connection of a response that is refused before its end.
    const fetched = await within(signal, readDocument(response, options.maxBytes)).finally(() => response.destroy());
    // A body without a length ends at an abort without an error.
    signal.throwIfAborted();
    return fetched;
  } catch (error) {
    if (signal.aborted) return failed("timeout");
    return failed("unreachable", (error as { code?: string } | undefined)?.code);
  }
}

function areAllowed(addresses: readonly string[], { protocol }: URL, isAllowed: AddressPolicy): boolean {
  return addresses.length > 0 && addresses.every(protocol === "https:" ? isAllowed : isAllowedLoopback(isAllowed));
}

function isAllowedLoopback(isAllowed: AddressPolicy): AddressPolicy {
  return (address) => isLoopbackAddress(address) && isAllowed(address);
}

async function resolveHost(
  url: URL,
  { signal, resolve }: { signal: AbortSignal; resolve: Resolve },
): Promise<readonly string[]> {
  const host = hostOf(url);
  return literalAddresses(host) ?? resolve(host, signal);
}

/** Rejects when the signal aborts, whether or not the work heeds it. */
function within<Outcome>(signal: AbortSignal, work: Promise<Outcome>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

async function readDocument(response: IncomingMessage, maxBytes: number): Promise<FetchedDocument | FetchFailure> {
  const { statusCode = 0, headers } = response;
  if (statusCode >= 300 && statusCode < 400) return failed("redirected", String(statusCode));
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

function failed(reason: FetchReason, detail?: string): FetchFailure {
  return { outcome: "failed", reason, detail };
}
