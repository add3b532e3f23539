import type { IncomingMessage } from "node:http";
import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from "@trpc/server";

/** What a plain request asks for: procedures that there are, of one type, by a method that suits them. */
export type PlainRequest = {
  isBatch: boolean;
  type: "query" | "mutation";
  calls: readonly { path: string; procedure: AnyTRPCProcedure }[];
  /** The `input` in the URL of a GET. */
  urlInput: string | null;
};

export type PlainOptions = {
  router: AnyTRPCRouter;
  basePath: string;
  maxBatchSize?: number | undefined;
  allowBatching?: boolean | undefined;
  batching?: { enabled: boolean } | undefined;
  allowMethodOverride?: boolean | undefined;
};

const JSON_TYPE = "application/json";
const HOST = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$/;
const NAMES = /^[A-Za-z0-9_$][A-Za-z0-9_$,.-]*$/;
const QUERY = /^[!-"$-~]*$/;

/**
 * Reads the head of a request, or gives `undefined` where it is anything but plain: another method or
 * content type, a stream, a path that has to be decoded, procedures that are not there or not loaded yet.
 */
export function parsePlainRequest(request: IncomingMessage, options: PlainOptions): PlainRequest | undefined {
  const { url = "" } = request;
  if (!hasSupportedHeaders(request) || !url.startsWith(options.basePath)) return undefined;
  const mark = url.indexOf("?");
  const names = url.slice(options.basePath.length, mark < 0 ? url.length : mark);
  const query = readQuery(mark < 0 ? "" : url.slice(mark + 1));
  if (query === undefined || !NAMES.test(names)) return undefined;

  const { isBatch, input } = query;
  const paths = isBatch ? names.split(",") : [names];
  const { allowBatching = options.batching?.enabled ?? true, maxBatchSize = paths.length } = options;
  if (isBatch && (!allowBatching || paths.length > maxBatchSize)) return undefined;
  const { procedures } = options.router._def;
  const calls: PlainRequest["calls"][number][] = [];
  for (const path of paths) {
    const procedure = Object.hasOwn(procedures, path) ? procedures[path] : undefined;
    if (procedure === undefined) return undefined;
    calls.push({ path, procedure });
  }
  const type = calls[0]?.procedure._def.type;
  if (type === undefined || type === "subscription") return undefined;
  if (calls.some(({ procedure }) => procedure._def.type !== type)) return undefined;
  const isGet = request.method === "GET";
  if (isGet ? type !== "query" : type !== "mutation" && options.allowMethodOverride !== true) return undefined;
  return { isBatch, type, calls, urlInput: isGet ? input : null };
}

function hasSupportedHeaders(request: IncomingMessage): boolean {
  const { method, headers } = request;
  const type = headers["content-type"];
  if (method !== "GET" && method !== "POST") return false;
  if (method === "GET" ? type !== undefined : !isJson(type)) return false;
  if (headers["trpc-accept"] !== undefined || headers.accept?.includes("jsonl")) return false;
  // Something before this has read the body, and left it somewhere.
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

/**
 * Reads a body. Rejects with `PAYLOAD_TOO_LARGE` as soon as it is longer than it may be, in bytes, and
 * with `CLIENT_CLOSED_REQUEST` where it ends before its end.
 */
export function readBody(request: IncomingMessage, maxBodySize = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = (code: TRPCError["code"]) => {
      request.off("data", onData);
      reject(new TRPCError({ code }));
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxBodySize) refuse("PAYLOAD_TOO_LARGE");
    };
    request.on("data", onData);
    request.once("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.once("error", () => refuse("CLIENT_CLOSED_REQUEST"));
  });
}
