import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { getTRPCErrorShape, TRPCError } from "@trpc/server";
import type { Logger } from "pino";
import { z } from "zod";
import { catalogue, MintmarkError, type Reason } from "../errors.ts";
import type { Context, ServedRouter } from "../router/trpc.ts";
import type { Authenticate } from "../service/authenticate.ts";
import { credentialsOf } from "./credentials.ts";
import { createOriginGuard } from "./guard.ts";
import { describeError } from "./log.ts";
import type { AddressOf } from "./proxies.ts";
import { requestIdOf } from "./request-id.ts";
import { createRpcHandler } from "./rpc.ts";
import { isJson } from "./rpc-request.ts";
import { serveSubscription, subscriptionIn } from "./sse.ts";

export const TRPC_PATH = "/trpc/";
const MAX_BODY_BYTES = 64 * 1024;
const MAX_BATCH = 50;

/** How long an answer may wait for its reader without a byte being taken, in milliseconds, unless the server says. */
const SLOWEST_READER = 30_000;

export type TrpcListenerOptions = {
  router: ServedRouter;
  issuer: string;
  authenticate: Authenticate;
  addressOf: AddressOf;
  /** Whether a request came by a name that is served. */
  isForUs: (request: IncomingMessage) => boolean;
  logger: Logger;
};

/** Serves the router under `/trpc/` by tRPC's protocol, with the open defaults of tRPC's adapters closed. */
export function createTrpcListener(options: TrpcListenerOptions): RequestListener {
  const { router, issuer, authenticate, addressOf, isForUs, logger } = options;
  const contextOf = (request: IncomingMessage): Context => {
    const address = addressOf(request);
    return {
      address,
      authenticate: (rate) => authenticate(credentialsOf(request), address, rate),
      requestId: () => requestIdOf(request),
    };
  };
  const isFromElsewhere = createOriginGuard(issuer);
  const onError = ({ error, path, req }: { error: TRPCError; path?: string | undefined; req: IncomingMessage }) => {
    if (!isOurFault(error)) return;
    const origin = error.cause?.cause ?? error.cause ?? error;
    logger.error({ requestId: requestIdOf(req), procedure: path, error: describeError(origin) }, "call failed");
  };
  const serve = createRpcHandler({
    router,
    basePath: TRPC_PATH,
    createContext: ({ req }) => contextOf(req),
    responseMeta: ({ errors, ctx }) => {
      if (errors.length === 0) return {};
      const headers = headersFor(errors.map(({ cause }) => cause));
      if (ctx?.requestId !== undefined) headers.set("x-request-id", ctx.requestId());
      return { headers };
    },
    maxBodySize: MAX_BODY_BYTES,
    maxBatchSize: MAX_BATCH,
    // The typed client sends queries by POST, to keep their input out of URLs.
    allowMethodOverride: true,
    // None of ours looks at it: what has begun is carried through.
    signals: false,
    onError,
  });

  return (request, response) => {
    response.setHeader("cache-control", "no-store");
    const refusal = isForUs(request) && !isFromElsewhere(request) ? refuse(request) : "forbidden_origin";
    const subscription = subscriptionIn(router, request, TRPC_PATH);
    if (refusal === undefined && subscription !== undefined) {
      // A follower that takes nothing in, not even heartbeats, is dropped; it can come again.
      response.setTimeout(request.socket.timeout || SLOWEST_READER, () => response.destroy());
      void serveSubscription(request, response, {
        router,
        path: subscription,
        context: contextOf(request),
        onError: (failure) => onError({ ...failure, req: request }),
      });
    } else if (refusal === undefined) serve(request, response);
    else sendRefusal(router, refusal, response);
  };
}

/** What HTTP wants to be said beside a refusal: how to authenticate (RFC 9110 §11.6.1), and when to come again. */
export function headersFor(causes: readonly unknown[]): Headers {
  const headers = new Headers();
  for (const cause of causes) {
    if (!(cause instanceof MintmarkError)) continue;
    const { code } = catalogue[cause.reason];
    if (code === "UNAUTHORIZED") headers.set("www-authenticate", cause.reason === "invalid_client" ? BASIC : BEARER);
    if (cause.retryAfter !== undefined) headers.set("retry-after", String(cause.retryAfter));
  }
  return headers;
}

const BASIC = 'Basic realm="mintmark", charset="UTF-8"';
const BEARER = 'Bearer realm="mintmark", error="invalid_token"';

/** Whether an operator should hear of it. tRPC calls it bad input, too, when a claims schema itself throws. */
function isOurFault({ code, cause }: TRPCError): boolean {
  if (code === "INTERNAL_SERVER_ERROR" || code === "SERVICE_UNAVAILABLE") return true;
  return code === "BAD_REQUEST" && cause !== undefined && !CALLERS_FAULTS.some((fault) => cause instanceof fault);
}

const CALLERS_FAULTS = [MintmarkError, z.core.$ZodError, SyntaxError, URIError] as const;

/** What is refused before tRPC sees it. */
function refuse(request: IncomingMessage): Reason | undefined {
  const { method, headers } = request;
  if (method !== "GET" && method !== "POST") return "method_not_supported";
  // A form can be sent by any page without asking (CORS calls it simple); JSON cannot.
  if (method === "POST" && !isJson(headers["content-type"])) return "unsupported_media_type";
  if (Number(headers["content-length"] ?? 0) > MAX_BODY_BYTES) return "payload_too_large";
  return countCalls(request.url ?? "") > MAX_BATCH ? "batch_too_large" : undefined;
}

/** Counts the calls of a batch as tRPC will: it decodes the path before it splits it, so `%2C` separates too. */
function countCalls(url: string): number {
  if (!/[,%]/.test(url)) return 1;
  const [path = ""] = url.split("?", 1);
  return path.split(/,|%2c/i).length;
}

const ALLOW = "GET, POST, OPTIONS";

/** Answers a refusal in tRPC's own envelope, so that a typed client reads it like any other. */
function sendRefusal(router: ServedRouter, reason: Reason, response: ServerResponse): void {
  if (reason === "method_not_supported") {
    response.setHeader("allow", ALLOW);
    if (response.req.method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
  }
  response.setHeader("x-request-id", requestIdOf(response.req));
  const error = new TRPCError({ code: catalogue[reason].code, cause: new MintmarkError(reason) });
  const config = router._def._config;
  const shape = getTRPCErrorShape({
    config,
    error,
    type: "unknown",
    path: undefined,
    input: undefined,
    ctx: undefined,
  });
  response.writeHead(shape.data.httpStatus, { "content-type": "application/json" });
  response.end(response.req.method === "HEAD" ? undefined : JSON.stringify({ error: shape }));
}
