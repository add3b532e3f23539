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
import type { ErrorShape } from "../router/procedure.ts";
import type { TokenRouter } from "../router/router.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { type Credentials, encodeBasic } from "../token/client-secret-basic.ts";
import { validateServiceUrl } from "../token/http-url.ts";

export type TokenClientOptions = {
  /** Where the service is, without `/trpc`: `http://127.0.0.1:3000`. In a browser, a path of the page's own origin will do. */
  url: string | URL;
  /** Who calls. Sent as HTTP Basic, never in a URL. Not needed where access is open. */
  credentials?: Credentials;
};

/** Calls that start in the same turn of the event loop share one request, at most this many. */
const MAX_BATCH = 50;

/**
 * Makes a typed client. `TokenRouter<typeof claims>` as the type parameter types the custom claims:
 *
 *     const client = createTokenClient<TokenRouter<typeof claims>>({ url });
 *     const { token } = await client.getToken.query({ claims: { role: "reader" } });
 *
 * Queries are sent by POST, so that no input is ever part of a URL. `events` can be subscribed to; what
 * verifies tokens is better off with `createVerifier`, which knows how old its knowledge is. Calls that the service refuses
 * reject with an error that {@link isTokenError} narrows; one that never reached it is none of those. Redirects are not
 * followed: the `cause` of such an error is a {@link ForeignAnswerError}. Throws a `StartError`
 * for options that are wrong.
 */
export function createTokenClient<Router extends TokenRouter<ClaimsSchema> = TokenRouter>(
  options: TokenClientOptions,
): TRPCClient<Router> {
  const fault = validateOptions(options);
  if (fault !== undefined) throw new StartError(`createTokenClient: ${fault}`);
  const { url, credentials } = options;
  const endpoint = `${String(url).replace(/\/+$/, "")}/trpc`;
  const headers = credentials && { authorization: encodeBasic(credentials) };
  const wait = createRetryDelay();
  const link = splitLink<TokenRouter>({
    condition: ({ type }) => type === "subscription",
    // Without it, one answer of 503 would end a subscription for good.
    true: [
      retryLink({ retry: isRetryable, retryDelayMs: wait.next }),
      subscriptionLink(endpoint, { headers, note: wait.note }),
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

type FeedOptions = { headers: Record<string, string> | undefined; note: (response: Response) => void };

/** Follows a subscription by an `EventSource` that can send credentials in a header, as the browsers' own cannot. */
function subscriptionLink(url: string, { headers, note }: FeedOptions) {
  return httpSubscriptionLink<TokenRouter, typeof EventSource>({
    url,
    EventSource,
    eventSourceOptions: {
      async fetch(input, init) {
        const response = await fetch(input, { ...init, headers: { ...init.headers, ...headers } });
        note(response);
        return errorAsEvent(response);
      },
    },
  });
}

/**
 * Hands a refusal on as the event that tRPC's link reads: of an answer that is no stream, an `EventSource` gives nobody
 * the body, and the link would not know who was refused, nor why. Every other answer is left as it is.
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

/** What a refusal says of a client will be said again; a service that is away may come back. */
function isRetryable({ error }: { error: TRPCClientError<TokenRouter> }): boolean {
  const status = error.data?.httpStatus;
  return status === undefined || status === 429 || status >= 500;
}

/** Makes the waits between attempts, in milliseconds: longer each time, different for each client, and as long as the service says. */
function createRetryDelay() {
  let notBefore = 0;
  return {
    note(response: Response): void {
      notBefore = performance.now() + retryAfterOf(response);
    },
    next(attempt: number): number {
      const some = Math.random() * Math.min(30_000, 250 * 2 ** Math.min(attempt, 10));
      return Math.max(some, notBefore - performance.now() + some / 4);
    },
  };
}

/** Milliseconds until a service wants to be asked again, as it says with a refusal; at most a minute. */
function retryAfterOf({ headers }: Response): number {
  const value = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(value) ? Math.min(Number(value), 60) * 1000 : 0;
}

/** An error that the service answered with. `data.reason` tells why. */
export type TokenError = TRPCClientError<TokenRouter> & { data: ErrorShape["data"] };

/** Whether a call was refused by the service, as opposed to failing on its way. */
export function isTokenError(error: unknown): error is TokenError {
  return error instanceof TRPCClientError && Object.hasOwn(catalogue, String(error.data?.reason));
}

/** Says what is wrong with options, and quotes none of them. By hand: a client in a browser needs no schemas. */
function validateOptions(options: TokenClientOptions): string | undefined {
  if (typeof options !== "object" || options === null) return "the options must be an object";
  const unknown = Object.keys(options).find((name) => name !== "url" && name !== "credentials");
  if (unknown !== undefined)
    return `there is no option ${/^\w{1,64}$/.test(unknown) ? unknown : "of some of these names"}`;
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
    // A path of the page's own origin is completed by the browser.
    const { protocol, username, password, search, hash } = new URL(
      url,
      /^(?:\/(?!\/)|$)/.test(String(url)) ? "http://page" : undefined,
    );
    return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === "";
  } catch {
    return false;
  }
}

/** Why a call failed that something else than a token service answered: a page, a proxy, a redirect. */
export class ForeignAnswerError extends Error {
  override readonly name = "ForeignAnswerError";
  /** Its body is not read. */
  readonly response: Response;

  constructor(response: Response) {
    super(`The answer is of no token service: status ${response.status}`);
    this.response = response;
  }
}

/**
 * Calls by the global `fetch`, and rejects with a {@link ForeignAnswerError} for an answer that is no JSON. Redirects are
 * not followed: a call could become a GET without its input, and give a token about the client itself, not about a subject.
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
