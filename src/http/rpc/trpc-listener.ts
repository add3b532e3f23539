import type { IncomingMessage, ServerResponse } from "node:http";
import type { TRPCError } from "@trpc/server";
import type { Logger } from "pino";
import { z } from "zod";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { Context, ServedRouter } from "../../router/procedure.ts";
import type { Authenticate } from "../../service/clients/authenticate.ts";
import type { Milliseconds } from "../../time.ts";
import { headersFor, isOfPage, sendErrorResponse } from "../error-response.ts";
import { createRemedies, describeError } from "../log.ts";
import type { AddressOf } from "../request/client-address.ts";
import { admitOrigin, type OriginList } from "../request/cors.ts";
import { credentialsOf } from "../request/credentials.ts";
import { createCrossSiteCheck } from "../request/origin.ts";
import { requestIdOf } from "../request/request-id.ts";
import type { Target } from "../request/target.ts";
import { isJson } from "./plain-request.ts";
import { countCalls } from "./query.ts";
import { createRpcHandler } from "./rpc-handler.ts";
import { serveSubscription, subscriptionIn } from "./sse.ts";
import { strictRules } from "./strict-input.ts";

export const TRPC_PATH = "/trpc/";
const MAX_BODY_BYTES = 64 * 1024;
const MAX_BATCH = 50;

/** How long an answer may wait for its reader without a byte being taken, in milliseconds, unless the server says. */
const SLOW_READER_TIMEOUT_MS: Milliseconds = 30_000;

export type TrpcListenerOptions = {
  router: ServedRouter;
  issuer: string;
  authenticate: Authenticate;
  addressOf: AddressOf;
  /** Whether access is open. */
  open: boolean;
  /** Origins whose pages may call. */
  origins: OriginList;
  /** Whether a request came by a name that is served. */
  isAllowedHost: (request: IncomingMessage, authority?: string) => boolean;
  logger: Logger;
};

/** What is served has its target taken apart, and its `url` is what is left of it. */
export type TrpcListener = (request: IncomingMessage, response: ServerResponse, target: Target) => void;

/** What is known of a request here, beside what procedures are told. */
type HttpContext = Context & { isOfPage: () => boolean };

/** Serves the router under `/trpc/` by tRPC's protocol, with the open defaults of tRPC's adapters closed. */
export function createTrpcListener(options: TrpcListenerOptions): TrpcListener {
  const { router, issuer, authenticate, addressOf, open, origins, isAllowedHost, logger } = options;
  const contextOf = (request: IncomingMessage): HttpContext => {
    const address = addressOf(request);
    return {
      address,
      authenticate: (rate) => authenticate(credentialsOf(request), address, rate),
      requestId: () => requestIdOf(request),
      isOfPage: () => isOfPage(request),
    };
  };
  const isCrossSite = createCrossSiteCheck(issuer, { open, isNamed: origins.names });
  const remedyOnce = createRemedies();
  const onError = ({ error, path, req }: { error: TRPCError; path?: string | undefined; req: IncomingMessage }) => {
    if (!isServerFault(error)) return;
    const origin = error.cause?.cause ?? error.cause ?? error;
    const what = { requestId: requestIdOf(req), procedure: path, error: describeError(origin) };
    const remedy = remedyOnce(origin);
    logger.error({ ...what, ...(remedy !== undefined && { remedy }) }, "call failed");
  };
  const serve = createRpcHandler({
    router,
    basePath: TRPC_PATH,
    createContext: ({ req }) => contextOf(req),
    responseMeta: ({ errors, ctx }) => {
      if (errors.length === 0 && origins.isEmpty) return {};
      const known = ctx as HttpContext | undefined;
      const headers = headersFor(
        errors.map(({ cause }) => cause),
        { isOfPage: known?.isOfPage() === true },
      );
      if (known?.requestId !== undefined && errors.length > 0) headers.set("x-request-id", known.requestId());
      if (!origins.isEmpty) headers.set("vary", "origin");
      return { headers };
    },
    inputRules: strictRules,
    maxBodySize: MAX_BODY_BYTES,
    maxBatchSize: MAX_BATCH,
    // The typed client sends queries by POST, to keep their input out of URLs.
    allowMethodOverride: true,
    // None of ours looks at it: what has begun is carried through.
    signals: false,
    onError,
  });

  return (request, response, target) => {
    response.setHeader("cache-control", "no-store");
    if (!origins.isEmpty) response.setHeader("vary", "origin");
    if (origins.names(request)) admitOrigin(request, response);
    const isAdmitted = isAllowedHost(request, target.authority) && !isCrossSite(request);
    const reason = isAdmitted ? rejectionOf(request, target) : "forbidden_origin";
    const subscription =
      reason === undefined ? subscriptionIn(router, request, target.path.slice(TRPC_PATH.length)) : undefined;
    if (reason === "method_not_supported") response.setHeader("allow", ALLOW);
    if (reason === "method_not_supported" && request.method === "OPTIONS") response.writeHead(204).end();
    else if (reason !== undefined) sendErrorResponse(response, router, reason);
    else if (subscription === undefined) serve(request, response);
    else {
      // A follower that takes nothing in, not even heartbeats, is dropped; it can come again.
      response.setTimeout(request.socket.timeout || SLOW_READER_TIMEOUT_MS, () => response.destroy());
      void serveSubscription(request, response, {
        router,
        path: subscription,
        query: target.query,
        inputRules: strictRules,
        context: contextOf(request),
        onError: (failure) => onError({ ...failure, req: request }),
      });
    }
  };
}

/** Whether an operator should hear of it. tRPC calls it bad input, too, when the schema of a foreign procedure itself throws. */
function isServerFault({ code, cause }: TRPCError): boolean {
  if (code === "INTERNAL_SERVER_ERROR" || code === "SERVICE_UNAVAILABLE") return true;
  return code === "BAD_REQUEST" && cause !== undefined && !CLIENT_FAULTS.some((fault) => cause instanceof fault);
}

const CLIENT_FAULTS = [MintmarkError, z.core.$ZodError, SyntaxError, URIError] as const;

/** What is refused before tRPC sees it. */
function rejectionOf(request: IncomingMessage, { path }: Target): Reason | undefined {
  const { method, headers } = request;
  if (method !== "GET" && method !== "POST") return "method_not_supported";
  // A form can be sent by any page without asking (CORS calls it simple); JSON cannot.
  if (method === "POST" && !isJson(headers["content-type"])) return "unsupported_media_type";
  const { "content-encoding": encoding = "identity" } = headers;
  if (encoding.toLowerCase() !== "identity") return "unsupported_media_type";
  if (Number(headers["content-length"] ?? 0) > MAX_BODY_BYTES) return "payload_too_large";
  return countCalls(path) > MAX_BATCH ? "batch_too_large" : undefined;
}

const ALLOW = "GET, POST, OPTIONS";
