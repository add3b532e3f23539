import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  retryLink,
  splitLink,
  type TRPCClient,
  TRPCClientError,
} from "@trpc/client";
import { EventSource } from "eventsource";
import { catalogue, StartError } from "../errors.ts";
import type { ErrorShape } from "../router/error-shape.ts";
import type { TokenRouter } from "../router/router.ts";
import type { Milliseconds } from "../time.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { type Credentials, encodeBasic } from "../token/client-secret-basic.ts";
import { validateServiceUrl } from "../token/http-url.ts";

export type TokenClientOptions = {
  /** Base URL of the service, without `/trpc`: `http://127.0.0.1:3000`. In a browser, also a path of the page's origin. */
  url: string | URL;
  /** Sent by HTTP Basic, never in a URL. Not needed with open access. */
  credentials?: Credentials;
};

/** Most calls in one request. Calls of one turn of the event loop share a request. */
const MAX_BATCH = 50;

/**
 * Creates a typed client. The type parameter `TokenRouter<typeof claims>` types the custom claims:
 *
 *     const client = createTokenClient<TokenRouter<typeof claims>>({ url });
 *     const { token } = await client.getToken.query({ claims: { role: "reader" } });
 *
 * Queries are sent by POST, so that no input is in a URL. `events` is a subscription; to verify tokens, use `createVerifier`,
 * which measures the age of its data. A call that the service refuses rejects with an error that {@link isTokenError}
 * narrows. Redirects are not followed: the `cause` of the error is then a {@link ForeignAnswerError}. Throws a `StartError`
 * for wrong options.
 */
export function createTokenClient<Router extends TokenRouter<ClaimsSchema> = TokenRouter>(
  options: TokenClientOptions,
): TRPCClient<Router> {
  const fault = validateOptions(options);
  if (fault !== undefined) throw new StartError(`createTokenClient: ${fault}`);
  const { url, credentials } = options;
  const endpoint = `${String(url).replace(/\/+$/, "")}/trpc`;
  const headers = credentials && { authorization: encodeBasic(credentials) };
  const retry = createRetryDelay();
  const link = splitLink<TokenRouter>({
    condition: ({ type }) => type === "subscription",
    // Without `retryLink`, one response of 503 ends a subscription.
    true: [
      retryLink({ retry: isRetryable, retryDelayMs: retry.delay }),
      subscriptionLink(endpoint, { headers, onResponse: retry.onResponse }),
    ],
    false: httpBatchLink({
      url: endpoint,
      maxItems: MAX_BATCH,
      methodOverride: "POST",
      fetch: (input, init) => fetchJson(String(input), init as RequestInit),
      ...(headers && { headers }),
    }),
  });
  return createTRPCClient<TokenRouter>({ links: [link] }) as unknown as TRPCClient<Router>;
}

type FeedOptions = { headers: Record<string, string> | undefined; onResponse: (response: Response) => void };

/** Subscribes by an `EventSource` that can send credentials in a header, unlike those of browsers. */
function subscriptionLink(url: string, { headers, onResponse }: FeedOptions) {
  return httpSubscriptionLink<TokenRouter, typeof EventSource>({
    url,
    EventSource,
    eventSourceOptions: {
      async fetch(input, init) {
        const response = await fetch(input, { ...init, headers: { ...init.headers, ...headers } });
        onResponse(response);
        return errorAsEvent(response);
      },
    },
  });
}

/**
 * Turns a refusal into the event that tRPC's link reads: an `EventSource` discards the body of a response that is not a
 * stream. Leaves every other response as it is.
 */
async function errorAsEvent(response: Response): Promise<Response> {
  const type = response.headers.get("content-type") ?? "";
  if (response.status < 400 || !type.startsWith("application/json")) return response;
  const text = await response.text();
  const error = errorIn(text);
  if (error === undefined) return new Response(text, { status: response.status, headers: response.headers });
  const event = `event: serialized-error\ndata: ${JSON.stringify(error)}\n\n`;
  return new Response(event, { headers: { "content-type": "text/event-stream" } });
}

function errorIn(text: string): unknown {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown } };
    return typeof error?.code === "number" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** A refusal of the client is final. An unavailable service may return. */
function isRetryable({ error }: { error: TRPCClientError<TokenRouter> }): boolean {
  const status = error.data?.httpStatus;
  return status === undefined || status === 429 || status >= 500;
}

/** The delays between attempts: exponential, with jitter, and at least as long as the `Retry-After` of the service. */
function createRetryDelay() {
  let notBefore = 0;
  return {
    onResponse(response: Response): void {
      notBefore = performance.now() + retryAfterOf(response);
    },
    delay(attempt: number): Milliseconds {
      const jitterMs = Math.random() * Math.min(30_000, 250 * 2 ** Math.min(attempt, 10));
      return Math.max(jitterMs, notBefore - performance.now() + jitterMs / 4);
    },
  };
}

/** The `Retry-After` of a response, at most a minute. */
function retryAfterOf({ headers }: Response): Milliseconds {
  const value = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(value) ? Math.min(Number(value), 60) * 1000 : 0;
}

/** An error of the service. `data.reason` is of the catalogue. */
export type TokenError = TRPCClientError<TokenRouter> & { data: ErrorShape["data"] };

/** Whether the service refused a call, unlike a failure on the way. */
export function isTokenError(error: unknown): error is TokenError {
  return error instanceof TRPCClientError && Object.hasOwn(catalogue, String(error.data?.reason));
}

/** The error of wrong options, or `undefined`. It quotes no value. Without zod, which would enlarge a browser client. */
function validateOptions(options: TokenClientOptions): string | undefined {
  if (typeof options !== "object" || options === null) return "the options must be an object";
  const unknown = Object.keys(options).find((name) => name !== "url" && name !== "credentials");
  if (unknown !== undefined) return /^\w{1,64}$/.test(unknown) ? `unknown option ${unknown}` : "an unknown option";
  const { url, credentials } = options;
  if (!isServiceUrl(url)) return "url must be an http or https URL without credentials, query or fragment";
  const fault = validateServiceUrl(String(url));
  if (fault !== undefined) return `url ${fault}`;
  if (credentials === undefined) return undefined;
  const { clientId, clientSecret } = credentials ?? {};
  const isGiven = [clientId, clientSecret].every((part) => typeof part === "string" && part !== "");
  return isGiven ? undefined : "credentials must have a clientId and a clientSecret";
}

function isServiceUrl(url: unknown): boolean {
  if (typeof url !== "string" && !(url instanceof URL)) return false;
  try {
    // The browser resolves a path by the origin of the page.
    const { protocol, username, password, search, hash } = new URL(
      url,
      /^(?:\/(?!\/)|$)/.test(String(url)) ? "http://page" : undefined,
    );
    return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === "";
  } catch {
    return false;
  }
}

/** The response to a call was not of a token service, but a page, of a proxy, or a redirect. */
export class ForeignAnswerError extends Error {
  override readonly name = "ForeignAnswerError";
  /** Its body was cancelled. */
  readonly response: Response;

  constructor(response: Response) {
    super(`The response is not of a token service: status ${response.status}`);
    this.response = response;
  }
}

/**
 * Calls by the global `fetch`. Rejects with a {@link ForeignAnswerError} for a response that is not JSON. Does not follow
 * redirects: a call could become a GET without its input, and return a token for the client instead of its subject.
 */
async function fetchJson(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 0 && /^application\/json\b/i.test(type) && !isRedirect(response)) return response;
  await response.body?.cancel();
  throw new ForeignAnswerError(response);
}

function isRedirect({ status }: Response): boolean {
  return status >= 300 && status < 400;
}
