import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type AnyTRPCRouter,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  type inferRouterContext,
  type TRPCError,
} from "@trpc/server";
import { type CreateHTTPHandlerOptions, createHTTPHandler } from "@trpc/server/adapters/standalone";
import { splitTarget, urlOf } from "../routes.ts";
import { type Answer, type HeaderList, sendAnswer, sendFallbackError, setHeaders, statusOf } from "./answers.ts";
import { stringify } from "./frozen-json.ts";
import type { InputRules } from "./inputs.ts";
import { type Call, plainRequestInfo, type RequestInfo, type Routed } from "./request-info.ts";
import { serveByAdapter } from "./standalone-adapter.ts";
import { isStream, streamError } from "./streams.ts";

export type RpcHandlerOptions<Router extends AnyTRPCRouter> = CreateHTTPHandlerOptions<Router> & {
  /** The path of the router, with a slash at both ends. */
  basePath: string;
  /**
   * Whether queries and mutations receive a `signal` that aborts when their client disconnects, as by the standalone
   * adapter. Creating one takes longer than most other work of a call. Default true.
   */
  signals?: boolean;
  /** How inputs are parsed, also in the standalone adapter. Default: as by the standalone adapter. */
  inputRules?: InputRules;
  /** Headers of every answer. Default: none. */
  headers?: HeaderList;
};

/** The route defaults to the URL of the request. */
export type RpcHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  route?: Pick<Routed, "target" | "call">,
) => void;

/**
 * Serves a tRPC router as its standalone adapter does, with the same options and answers, but plain queries and mutations
 * without a `Request`, a `Response` and web streams. Any other request goes to the adapter; see {@link plainRequestInfo}.
 */
export function createRpcHandler<Router extends AnyTRPCRouter>(options: RpcHandlerOptions<Router>): RpcHandler {
  const standalone = createHTTPHandler(options);
  const { inputRules: rules, headers = [] } = options;
  if (options.middleware !== undefined) return standalone;
  return (request, response, { target, call } = { target: splitTarget(request.url ?? "") }) => {
    const routed = { request, response, target, call };
    const info = plainRequestInfo(routed, options);
    if (info !== undefined) return void serve(response, { options, request, info, ctx: undefined });
    request.url = urlOf(target);
    setHeaders(response, headers);
    if (rules !== undefined) serveByAdapter(routed, { ...options, rules });
    else standalone(request, response);
  };
}

/** The state of a request. */
type Scope<Router extends AnyTRPCRouter> = {
  options: RpcHandlerOptions<Router>;
  request: IncomingMessage;
  info: RequestInfo;
  ctx: inferRouterContext<Router> | undefined;
};

async function serve<Router extends AnyTRPCRouter>(response: ServerResponse, scope: Scope<Router>): Promise<void> {
  const { options, request, info } = scope;
  let error: TRPCError | undefined;
  try {
    const created = options.createContext?.({ req: request, res: response, info });
    scope.ctx = isThenable(created) ? await created : created;
  } catch (cause) {
    error = getTRPCErrorFromUnknown(cause);
  }
  try {
    const { calls, isBatchCall } = info;
    const [call] = calls;
    const outcomes =
      isBatchCall || call === undefined
        ? (await Promise.all(calls.map((one) => perform(scope, one, error)))).map(withoutStream)
        : [await perform(scope, call, error)];
    // For one call that streams, the standalone adapter does not name the call.
    if (!isBatchCall && isStream(outcomes[0]?.data)) throw streamError();
    sendOutcomes(scope, response, { outcomes, asList: isBatchCall });
  } catch (cause) {
    sendFailure(scope, response, cause);
  }
}

/** Most contexts are made at once, and each `await` gives way to other requests. */
function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Sends an error that belongs to no call. */
function sendFailure<Router extends AnyTRPCRouter>(
  scope: Scope<Router>,
  response: ServerResponse,
  cause: unknown,
): void {
  try {
    sendOutcomes(scope, response, { outcomes: [{ error: report(scope, cause) }], asList: false });
  } catch (again) {
    const error = report({ ...scope, info: { ...scope.info, type: "unknown" }, ctx: undefined }, again);
    setHeaders(response, scope.options.headers ?? []);
    sendFallbackError(response, scope.options.router, error);
  }
}

/** The outcome of a call, and the call where the answer names it. */
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

/** Passes an error to `onError`. */
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
  const texts: string[] = [];
  for (const { data: result, error, call } of outcomes) {
    errors.push(error);
    if (error === undefined) {
      data.push({ result: { data: result } });
      const text = stringify(transformer.serialize(result));
      texts.push(text === undefined ? '{"result":{}}' : `{"result":{"data":${text}}}`);
    } else {
      const details = { path: call?.path, input: call?.result(), type: info.type, ctx };
      const shape = getTRPCErrorShape({ config, error, ...details });
      data.push({ error: shape });
      texts.push(JSON.stringify({ error: transformer.serialize(shape) }));
    }
  }
  const body = asList ? `[${texts.join(",")}]` : (texts[0] ?? "");
  const failures = errors.filter((error) => error !== undefined);
  const meta = options.responseMeta?.({
    ctx,
    info,
    paths: info.calls.map(({ path }) => path),
    data: data as never,
    errors: failures,
    eagerGeneration: false,
    type: info.type,
  });
  const status = meta?.status ?? (failures.length > 0 ? statusOf(data, errors) : 200);
  sendAnswer(response, { status, body, headers: options.headers ?? [], more: meta?.headers });
}

function withoutStream(outcome: Outcome): Outcome {
  return isStream(outcome.data) ? { error: streamError(), ...(outcome.call && { call: outcome.call }) } : outcome;
}
