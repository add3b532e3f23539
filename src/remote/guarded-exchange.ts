import type { IncomingMessage } from "node:http";
import type { Milliseconds } from "../time.ts";
import { type AddressPolicy, isLoopbackAddress, isPublicAddress } from "./addresses.ts";
import { hostOf, literalAddresses, parseDocumentUrl } from "./document-url.ts";
import { exchange } from "./exchange.ts";
import { createDnsResolve, type Resolve } from "./resolve.ts";

export type ExchangeOptions = {
  /** Longest time of a request, from the DNS query to the end of the response. Default 5 s. */
  timeoutMs?: Milliseconds;
  /**
   * Which addresses may be connected to. Default: those of the public internet. Loopback must be allowed for development
   * only: every URL could then reach the services of this machine.
   */
  isAllowed?: AddressPolicy;
  /** Default: DNS. */
  resolve?: Resolve;
  /** Certificates to trust, in PEM. Default: those of Node. */
  ca?: string;
};

/** Why a request failed. For logs: what a stranger learns of it maps the network of this server. */
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

/** `detail` is an HTTP status or an error code of Node. */
export type FetchFailure = { outcome: "failed"; reason: FetchReason; detail?: string | undefined };

export type GuardedRequest<Outcome> = {
  url: string;
  /** The body of a POST, encoded. Default: a GET. */
  form?: string | undefined;
  /** Reads the response, which ends with it. */
  read: (response: IncomingMessage) => Promise<Outcome | FetchFailure>;
  /** Ends the request. Default: the timeout. */
  signal?: AbortSignal | undefined;
};

const resolveByDns = createDnsResolve();
const TIMEOUT_MS: Milliseconds = 5000;

/** Connection attempts of a request. A name can have any number of addresses. */
const MAX_ADDRESSES = 8;

/**
 * Requests a URL that an attacker may have chosen, and so reaches no private address (server-side request forgery): resolves
 * the name once, requires that **every** address is allowed, connects to these alone, and follows no redirect. Never rejects.
 */
export async function guardedExchange<Outcome>(
  options: ExchangeOptions,
  { url: text, form, read, signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS) }: GuardedRequest<Outcome>,
): Promise<Outcome | FetchFailure> {
  const url = parseDocumentUrl(text);
  if (url === undefined) return failed("not_allowed_url");
  try {
    const addresses = await within(signal, resolveHost(url, { signal, resolve: options.resolve ?? resolveByDns }));
    if (!areAllowed(addresses, url, options.isAllowed ?? isPublicAddress)) return failed("not_allowed_address");
    const connection = { addresses: addresses.slice(0, MAX_ADDRESSES), signal, ca: options.ca };
    const response = await within(signal, exchange(url, connection, form));
    // Also ends the connection of a response that is refused before its end.
    const outcome = await within(signal, readFinal(response, read)).finally(() => response.destroy());
    // A body without a length ends at an abort without an error.
    signal.throwIfAborted();
    return outcome;
  } catch (error) {
    if (signal.aborted) return failed("timeout");
    return failed("unreachable", (error as { code?: string } | undefined)?.code);
  }
}

export function failed(reason: FetchReason, detail?: string): FetchFailure {
  return { outcome: "failed", reason, detail };
}

async function readFinal<Outcome>(
  response: IncomingMessage,
  read: GuardedRequest<Outcome>["read"],
): Promise<Outcome | FetchFailure> {
  const { statusCode = 0 } = response;
  return statusCode >= 300 && statusCode < 400 ? failed("redirected", String(statusCode)) : read(response);
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
