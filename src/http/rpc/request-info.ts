import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import type { TRPCRequestInfo } from "@trpc/server/http";
import { readBody } from "../request/body.ts";
import { type NamedProcedure, type Target, urlOf } from "../routes.ts";
import { createInputs, type InputRules } from "./inputs.ts";

export type Call = TRPCRequestInfo["calls"][number] & { procedure: AnyTRPCProcedure };

/** tRPC's information about a request, with the procedure of each call. */
export type RequestInfo = Omit<TRPCRequestInfo, "calls"> & { calls: Call[] };

/** A request, its parsed target, and its procedure where the route has one. */
export type Routed = {
  request: IncomingMessage;
  response: ServerResponse;
  target: Target;
  call?: NamedProcedure | undefined;
};

export type InfoOptions = {
  router: AnyTRPCRouter;
  basePath: string;
  maxBodySize?: number | null | undefined;
  maxBatchSize?: number | undefined;
  allowBatching?: boolean | undefined;
  batching?: { enabled: boolean } | undefined;
  allowMethodOverride?: boolean | undefined;
  inputRules?: InputRules | undefined;
};

const JSON_TYPE = "application/json";
const HOST = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$/;
const NAMES = /^[A-Za-z0-9_$][A-Za-z0-9_$,.-]*$/;
const QUERY = /^[!-"$-~]*$/;

/**
 * Reads the head of a plain request: loaded procedures of one type, queries or mutations, by GET or POST with JSON. Returns
 * `undefined` for any other request, such as a stream or an encoded path.
 */
export function plainRequestInfo(routed: Routed, options: InfoOptions): RequestInfo | undefined {
  const { request, target } = routed;
  if (!hasSupportedHeaders(request)) return undefined;
  const query = readQuery(target.query);
  if (query === undefined) return undefined;

  // No spread of `query`: it takes 5 µs a request.
  const { isBatch, input } = query;
  const procedures = !isBatch && routed.call ? [routed.call] : findProcedures(target, isBatch, options);
  const type = procedures?.[0]?.procedure._def.type;
  if (procedures === undefined || type === undefined || type === "subscription") return undefined;
  if (procedures.some(({ procedure }) => procedure._def.type !== type)) return undefined;
  const isGet = request.method === "GET";
  if (isGet ? type !== "query" : type !== "mutation" && options.allowMethodOverride !== true) return undefined;
  return createInfo(routed, options, { isBatch, input, type, procedures });
}

function findProcedures(
  { path }: Target,
  isBatch: boolean,
  options: InfoOptions,
): readonly NamedProcedure[] | undefined {
  const names = path.slice(options.basePath.length);
  if (!path.startsWith(options.basePath) || !NAMES.test(names)) return undefined;
  const paths = isBatch ? names.split(",") : [names];
  const { allowBatching = options.batching?.enabled ?? true, maxBatchSize = paths.length } = options;
  if (isBatch && (!allowBatching || paths.length > maxBatchSize)) return undefined;
  const found = paths.map((path) => findProcedure(options.router, path)).filter((one) => one !== undefined);
  return found.length === paths.length ? found : undefined;
}

/** A loaded procedure of a router. */
export function findProcedure(router: AnyTRPCRouter, path: string): NamedProcedure | undefined {
  const { procedures } = router._def;
  const procedure = Object.hasOwn(procedures, path) ? procedures[path] : undefined;
  return procedure && { path, procedure };
}

function hasSupportedHeaders(request: IncomingMessage): boolean {
  const { method, headers } = request;
  const type = headers["content-type"];
  if (method !== "GET" && method !== "POST") return false;
  if (method === "GET" ? type !== undefined : !isJson(type)) return false;
  if (headers["trpc-accept"] !== undefined || headers.accept?.includes("jsonl")) return false;
  // A parser before this one has consumed the body.
  if ("body" in request || request.readableEnded) return false;
  return headers.host === undefined || HOST.test(headers.host);
}

/** Media types are case-insensitive, and may have parameters (RFC 9110 §8.3.1). */
export function isJson(contentType: string | undefined): boolean {
  return contentType === JSON_TYPE || contentType?.toLowerCase().split(";", 1)[0]?.trim() === JSON_TYPE;
}

function readQuery(query: string): { isBatch: boolean; input: string | null } | undefined {
  if (query === "" || query === "batch=1") return { isBatch: query !== "", input: null };
  if (!QUERY.test(query)) return undefined;
  const parameters = new URLSearchParams(query);
  if (parameters.has("connectionParams")) return undefined;
  return { isBatch: parameters.get("batch") === "1", input: parameters.get("input") };
}

/** Created on first access. On a prototype: an own accessor would give each object a hidden class of its own, which stays in memory. */
const onDemand = {
  get signal(): AbortSignal {
    const { [ROUTED]: routed } = this as unknown as LazyInfo;
    routed.signal ??= signalOf(routed.response);
    return routed.signal;
  },
  get url(): URL {
    const { request, target } = (this as unknown as LazyInfo)[ROUTED];
    return new URL(urlOf(target), `http://${request.headers.host ?? "localhost"}`);
  },
};
const ROUTED = Symbol("routed");
type LazyInfo = RequestInfo & { [ROUTED]: Routed & { signal?: AbortSignal } };

type Plain = {
  isBatch: boolean;
  input: string | null;
  type: "query" | "mutation";
  procedures: readonly NamedProcedure[];
};

function createInfo(routed: Routed, options: InfoOptions, { isBatch, input, type, procedures }: Plain): RequestInfo {
  const { request, target } = routed;
  const { router, maxBodySize, inputRules } = options;
  const receive = () => (request.method === "GET" ? input : readBody(request, maxBodySize ?? undefined));
  const inputs = createInputs({ request, target, isBatch }, { router, rules: inputRules, receive });
  const info: LazyInfo = Object.create(onDemand);
  info[ROUTED] = routed;
  info.isBatchCall = isBatch;
  info.type = type;
  info.accept = null;
  info.connectionParams = null;
  info.calls = procedures.map(({ path, procedure }, batchIndex) => ({
    path,
    procedure,
    batchIndex,
    getRawInput: () => inputs.read(batchIndex),
    result: () => inputs.known(batchIndex),
  }));
  return info;
}

/** Aborts when the client disconnects before the answer is sent. */
function signalOf(response: ServerResponse): AbortSignal {
  const leaving = new AbortController();
  response.once("close", () => {
    if (!response.writableEnded) leaving.abort();
  });
  return leaving.signal;
}
