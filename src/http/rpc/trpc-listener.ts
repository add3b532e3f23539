import type { IncomingMessage, ServerResponse } from "node:http";
import type { TRPCError } from "@trpc/server";
import { z } from "zod";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { ContextClient, Meta, ServedRouter } from "../../router/procedure.ts";
import type { Milliseconds } from "../../time.ts";
import type { LogFailure } from "../log.ts";
import { MAX_BODY_BYTES } from "../request/body.ts";
import { type AddressOf, credentialsOf } from "../request/client.ts";
import { admitOrigin, createCrossSiteCheck, type OriginList } from "../request/origin.ts";
import { headersFor, isOfPage, requestIdOf } from "../respond.ts";
import type { Handle, NamedProcedure, Target } from "../routes.ts";
import { type HeaderList, sendErrorResponse, setHeaders } from "./answers.ts";
import { findProcedure, isJson } from "./request-info.ts";
import { createRpcHandler } from "./rpc-handler.ts";
import { serveSubscription } from "./sse.ts";
import { countCalls, strictRules } from "./strict-input.ts";

export const TRPC_PATH = "/trpc/";
const MAX_BATCH = 50;

/** Headers of every answer. */
const HEADERS: HeaderList = ["x-content-type-options", "nosniff", "cache-control", "no-store"];

/** Longest wait for a reader that takes no byte, unless the server sets another. */
const SLOW_READER_TIMEOUT_MS: Milliseconds = 30_000;

export type TrpcListenerOptions = {
  router: ServedRouter;
  issuer: string;
  addressOf: AddressOf;
  /** Whether access is open. */
  open: boolean;
  /** Origins whose pages may call. */
  origins: OriginList;
  isAllowedHost: (request: IncomingMessage, authority?: string) => boolean;
  logFailure: LogFailure;
};

/** The context of a procedure. Its `client` is read on demand, since `verifyToken` needs none of it. */
type HttpContext = { client: ContextClient & { requestId: string; isOfPage: boolean }; address: string | undefined };

const REQUEST = Symbol("request");
type Received = { [REQUEST]: IncomingMessage; address: string | undefined };

/** On a prototype: an own accessor would give each object a hidden class of its own, which stays in memory. */
const onDemand = {
  get credentials() {
    return credentialsOf((this as unknown as Received)[REQUEST]);
  },
  get requestId() {
    return requestIdOf((this as unknown as Received)[REQUEST]);
  },
  get isOfPage() {
    return isOfPage((this as unknown as Received)[REQUEST]);
  },
};

/**
 * Serves the router below `/trpc/` by tRPC's protocol, without the permissive defaults of tRPC's adapters. Returns the
 * function that makes the handler of one procedure, or of batches and unknown names.
 */
export function createTrpcListener(options: TrpcListenerOptions): (known?: NamedProcedure) => Handle {
  const { router, issuer, addressOf, open, origins, isAllowedHost, logFailure } = options;
  const contextOf = (request: IncomingMessage): HttpContext => {
    const address = addressOf(request);
    const client: HttpContext["client"] & Received = Object.create(onDemand);
    client[REQUEST] = request;
    client.address = address;
    return { client, address };
  };
  const isCrossSite = createCrossSiteCheck(issuer, { open, isNamed: origins.names });
  const onError = ({ error, path, req }: { error: TRPCError; path?: string | undefined; req: IncomingMessage }) => {
    if (isServerFault(error)) logFailure(req, { procedure: path }, error.cause?.cause ?? error.cause ?? error);
  };
  const serve = createRpcHandler({
    router,
    basePath: TRPC_PATH,
    createContext: ({ req }) => contextOf(req),
    responseMeta: ({ errors, ctx }) => {
      if (errors.length === 0 && origins.isEmpty) return {};
      const context = ctx as HttpContext | undefined;
      const headers = headersFor(
        errors.map(({ cause }) => cause),
        { isOfPage: context?.client.isOfPage === true },
      );
      if (context !== undefined && errors.length > 0) headers.set("x-request-id", context.client.requestId);
      if (!origins.isEmpty) headers.set("vary", "origin");
      return { headers };
    },
    inputRules: strictRules,
    maxBodySize: MAX_BODY_BYTES,
    maxBatchSize: MAX_BATCH,
    // The typed client sends queries by POST: no input is part of a URL.
    allowMethodOverride: true,
    // No procedure reads it: a call that has begun is completed.
    signals: false,
    onError,
    headers: HEADERS,
  });

  function reject(request: IncomingMessage, response: ServerResponse, reason: Reason): void {
    setHeaders(response, HEADERS);
    if (reason === "method_not_supported") response.setHeader("allow", "GET, POST, OPTIONS");
    if (reason === "method_not_supported" && request.method === "OPTIONS") return void response.writeHead(204).end();
    sendErrorResponse(response, router, reason);
  }

  return (known) => (request, response, target) => {
    if (!origins.isEmpty) response.setHeader("vary", "origin");
    if (origins.names(request)) admitOrigin(request, response);
    const isAdmitted = isAllowedHost(request, target.authority) && !isCrossSite(request);
    const reason = isAdmitted ? rejectionOf(request, target) : "forbidden_origin";
    if (reason !== undefined) return reject(request, response, reason);
    const call = known ?? findProcedure(router, target.path.slice(TRPC_PATH.length));
    if (request.method !== "GET" || call?.procedure._def.type !== "subscription")
      return serve(request, response, { target, call });
    setHeaders(response, HEADERS);
    // A client that reads nothing, not even heartbeats, is disconnected; it can reconnect.
    response.setTimeout(request.socket.timeout || SLOW_READER_TIMEOUT_MS, destroy);
    void serveSubscription(request, response, {
      router,
      path: call.path,
      query: target.query,
      inputRules: strictRules,
      isShared: (call.procedure._def.meta as Meta | undefined)?.isShared,
      context: contextOf(request),
      onError,
    });
  };
}

/** One function for all streams. */
function destroy(this: ServerResponse): void {
  this.destroy();
}

/** Whether an operator must know. tRPC reports BAD_REQUEST, too, when the schema of another router's procedure throws. */
function isServerFault({ code, cause }: TRPCError): boolean {
  if (code === "INTERNAL_SERVER_ERROR" || code === "SERVICE_UNAVAILABLE") return true;
  return code === "BAD_REQUEST" && cause !== undefined && !CLIENT_FAULTS.some((fault) => cause instanceof fault);
}

const CLIENT_FAULTS = [MintmarkError, z.core.$ZodError, SyntaxError, URIError] as const;

/** Checks the head of a request before tRPC reads it. */
function rejectionOf({ method, headers }: IncomingMessage, { path }: Target): Reason | undefined {
  if (method !== "GET" && method !== "POST") return "method_not_supported";
  // Any page can send a form without a preflight (a "simple" request of CORS), but no JSON.
  if (method === "POST" && !isJson(headers["content-type"])) return "unsupported_media_type";
  const { "content-encoding": encoding = "identity" } = headers;
  if (encoding.toLowerCase() !== "identity") return "unsupported_media_type";
  if (Number(headers["content-length"] ?? 0) > MAX_BODY_BYTES) return "payload_too_large";
  return countCalls(path) > MAX_BATCH ? "batch_too_large" : undefined;
}
