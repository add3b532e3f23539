import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import {
  type AnyTRPCRouter,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  type inferRouterContext,
  TRPCError,
} from "@trpc/server";
import { type CreateHTTPHandlerOptions, createHTTPHandler } from "@trpc/server/adapters/standalone";
import { type Answer, sendAnswer, sendFallbackError } from "./answers.ts";
import type { InputRules } from "./inputs.ts";
import { type PlainRequest, parsePlainRequest } from "./plain-request.ts";
import { type Call, type RequestInfo, requestInfo } from "./request-info.ts";
import { serveByAdapter } from "./standalone-adapter.ts";

export type RpcHandlerOptions<Router extends AnyTRPCRouter> = CreateHTTPHandlerOptions<Router> & {
  /** The path the router is served at, with a slash at both ends. */
  basePath: string;
  /**
   * Whether queries and mutations are handed a `signal` that tells them that their client has left, as by the
   * standalone adapter. To make one takes longer than most else that is done for a call. Default true.
   */
  signals?: boolean;
  /** How inputs are read, wherever they are served. Default: as by the standalone adapter. */
  inputRules?: InputRules;
};

/**
 * Serves a tRPC router by tRPC's own protocol, as its standalone adapter does and with the same options, but
 * plain queries and mutations without a `Request`, a `Response` and the streams between them and `node:http`.
 * Whatever is not plain (see {@link parsePlainRequest}) is left to the standalone adapter.
 */
export function createRpcHandler<Router extends AnyTRPCRouter>(options: RpcHandlerOptions<Router>): RequestListener {
  const standalone = createHTTPHandler(options);
  const { inputRules: rules } = options;
  if (options.middleware !== undefined) return standalone;
  return (request, response) => {
    const plain = parsePlainRequest(request, options);
    if (plain === undefined && rules !== undefined) serveByAdapter(request, response, { ...options, rules });
    else if (plain === undefined) standalone(request, response);
    else void serve(request, response, { plain, options });
  };
}

/** What is known while a request is served. */
type Scope<Router extends AnyTRPCRouter> = {
  options: RpcHandlerOptions<Router>;
  request: IncomingMessage;
  info: RequestInfo;
  ctx: inferRouterContext<Router> | undefined;
};

async function serve<Router extends AnyTRPCRouter>(
  request: IncomingMessage,
  response: ServerResponse,
  { plain, options }: { plain: PlainRequest; options: RpcHandlerOptions<Router> },
): Promise<void> {
  const info = requestInfo({ request, response }, plain, options);
  const scope: Scope<Router> = { options, request, info, ctx: undefined };
  let error: TRPCError | undefined;
  try {
    scope.ctx = await options.createContext?.({ req: request, res: response, info });
  } catch (cause) {
    error = getTRPCErrorFromUnknown(cause);
  }
  try {
    const outcomes = await Promise.all(info.calls.map((call) => perform(scope, call, error)));
    // Of one call that streams, the standalone adapter does not say which it is.
    if (!info.isBatchCall && isStream(outcomes[0]?.data)) throw streamError();
    sendOutcomes(scope, response, { outcomes, asList: info.isBatchCall });
  } catch (cause) {
    sendFailure(scope, response, cause);
  }
}

/** Answers what no call can be blamed for. */
function sendFailure<Router extends AnyTRPCRouter>(
  scope: Scope<Router>,
  response: ServerResponse,
  cause: unknown,
): void {
  try {
    sendOutcomes(scope, response, { outcomes: [{ error: report(scope, cause) }], asList: false });
  } catch (again) {
    const error = report({ ...scope, info: { ...scope.info, type: "unknown" }, ctx: undefined }, again);
    sendFallbackError(response, scope.options.router, error);
  }
}

/** What a call came to, and the call, where it is to be told which. */
type Outcome = { data?: unknown; error?: TRPCError; call?: Call };

async function perform<Router extends AnyTRPCRouter>(
  scope: Scope<Router>,
  call: Call,
  error: TRPCError | undefined,
): Promise<Outcome> {
  const { options, info, ctx } = scope;
  const { path, getRawInput, batchIndex } = call;
  try {
    if (error !== undefined) throw error;
    const type = call.procedure._def.type;
    const signal = options.signals === false ? undefined : info.signal;
    return { data: await call.procedure({ path, getRawInput, batchIndex, ctx, type, signal }), call };
  } catch (cause) {
    return { error: report(scope, cause, call), call };
  }
}

/** Tells whoever listens of an error. */
function report<Router extends AnyTRPCRouter>(
  { options, request, info, ctx }: Scope<Router>,
  cause: unknown,
  call?: Call,
): TRPCError {
  const error = getTRPCErrorFromUnknown(cause);
  options.onError?.({ error, path: call?.path, input: call?.result(), ctx, type: info.type, req: request });
  return error;
}

function sendOutcomes<Router extends AnyTRPCRouter>(
  { options, info, ctx }: Scope<Router>,
  response: ServerResponse,
  { outcomes, asList }: { outcomes: readonly Outcome[]; asList: boolean },
): void {
  const { _config: config } = options.router._def;
  const { output: transformer } = config.transformer;
  const errors: (TRPCError | undefined)[] = [];
  const data: Answer[] = [];
  const written: Answer[] = [];
  for (const outcome of outcomes) {
    const error = outcome.error ?? (isStream(outcome.data) ? streamError() : undefined);
    errors.push(error);
    if (error === undefined) {
      data.push({ result: { data: outcome.data } });
      written.push({ result: { data: transformer.serialize(outcome.data) } });
    } else {
      const { call } = outcome;
      const details = { path: call?.path, input: call?.result(), type: info.type, ctx };
      const shape = getTRPCErrorShape({ config, error, ...details });
      data.push({ error: shape });
      written.push({ error: transformer.serialize(shape) });
    }
  }
  const body = JSON.stringify(asList ? written : written[0]);
  const meta = options.responseMeta?.({
    ctx,
    info,
    paths: info.calls.map(({ path }) => path),
    data: data as never,
    errors: errors.filter((error) => error !== undefined),
    eagerGeneration: false,
    type: info.type,
  });
  sendAnswer(response, { body, answers: data, errors, meta });
}

/** Whether data can only be sent bit by bit: it goes on, or parts of it are not there yet. */
function isStream(data: unknown): boolean {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return false;
  if (isEventStream(data)) return true;
  for (const part of Object.values(data)) if (isEventStream(part) || part instanceof Promise) return true;
  return false;
}

function isEventStream(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function streamError(): TRPCError {
  return new TRPCError({
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "Cannot use stream-like response in non-streaming request - use httpBatchStreamLink",
  });
}
