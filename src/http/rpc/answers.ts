import type { ServerResponse } from "node:http";
import { type AnyTRPCRouter, getTRPCErrorShape, type TRPCError, transformTRPCResponse } from "@trpc/server";
import { getHTTPStatusCodeFromError, type ResponseMeta } from "@trpc/server/http";
import { MintmarkError, type Reason } from "../../errors.ts";
import { toTrpcError } from "../../verifier/middleware/trpc-error.ts";
import { endAtOnce, requestIdOf } from "../respond.ts";

export type Answer = { result: { data: unknown } } | { error: unknown };

type Sent = {
  status: number;
  body: string;
  headers: HeaderList;
  /** Headers of `responseMeta`. */
  more: ResponseMeta["headers"] | undefined;
};

/** Names and values by turns, as `writeHead` takes them. */
export type HeaderList = readonly string[];

const OF_EVERY_ANSWER = { vary: "trpc-accept, accept", "content-type": "application/json" };
const LISTED = Object.entries(OF_EVERY_ANSWER).flat();

/** Sends the answers of a request, with `Content-Length`. */
export function sendAnswer(response: ServerResponse, { status, body, headers, more }: Sent): void {
  // A procedure may have set another status.
  if (response.statusCode === 200) response.statusCode = status;
  const head = [...headers, ...(more === undefined ? LISTED : listed(more))];
  const hasBody = response.statusCode !== 204 && response.statusCode !== 304;
  if (hasBody) head.push("Content-Length", String(Buffer.byteLength(body)));
  // One call: three of `setHeader` take 1 µs.
  response.writeHead(response.statusCode, head);
  endAtOnce(response, body);
}

export function setHeaders(response: ServerResponse, headers: HeaderList): void {
  for (let at = 0; at < headers.length; at += 2) response.setHeader(headers[at] ?? "", headers[at + 1] ?? "");
}

/** The status of an answer; 207 where those of a batch differ. The status of an error shape has precedence, as in tRPC's adapter. */
export function statusOf(answers: readonly Answer[], errors: readonly (TRPCError | undefined)[]): number {
  const statuses = answers.map((answer, at) => {
    if (!("error" in answer)) return 200;
    const { data } = (answer.error ?? {}) as { data?: { httpStatus?: unknown } | null };
    const error = errors[at];
    if (typeof data?.httpStatus === "number") return data.httpStatus;
    return error === undefined ? 500 : getHTTPStatusCodeFromError(error);
  });
  const [first = 200] = statuses;
  return statuses.every((status) => status === first) ? first : 207;
}

/** The headers of every answer, and those of `responseMeta`. */
function listed(more: NonNullable<ResponseMeta["headers"]>): HeaderList {
  const headers = new Headers(OF_EVERY_ANSWER);
  if (more instanceof Headers) for (const [name, value] of more) headers.append(name, value);
  else for (const [name, value] of Object.entries(more)) setOne(headers, name, value);
  return [...headers].flat();
}

function setOne(headers: Headers, name: string, value: string | readonly string[] | undefined): void {
  if (typeof value === "string") headers.set(name, value);
  else for (const one of value ?? []) headers.append(name, one);
}

/** Sent where the error formatter throws. */
const FALLBACK_BODY = { message: "Internal server error", code: -32603, data: { httpStatus: 500 } };

/** Sends an error where sending failed: the error formatter or `responseMeta` threw. */
export function sendFallbackError(response: ServerResponse, router: AnyTRPCRouter, error: TRPCError): void {
  const shape = fallbackShape(router, error);
  if (response.headersSent) return void response.end();
  response.statusCode = shape.data?.httpStatus ?? getHTTPStatusCodeFromError(error);
  response.end(JSON.stringify(transformTRPCResponse(router._def._config, { error: shape } as never)));
}

/** The formatter of another router may return anything. */
function fallbackShape(router: AnyTRPCRouter, error: TRPCError): { data?: { httpStatus?: number } } {
  try {
    return shapeOf(router, error) ?? FALLBACK_BODY;
  } catch {
    return FALLBACK_BODY;
  }
}

/** The shape of an error of no procedure. */
export function shapeOf(router: AnyTRPCRouter, error: TRPCError) {
  const details = { type: "unknown", path: undefined, input: undefined, ctx: undefined } as const;
  return getTRPCErrorShape({ config: router._def._config, error, ...details });
}

/** Sends an error of no procedure in tRPC's envelope, which typed clients read. */
export function sendErrorResponse(response: ServerResponse, router: AnyTRPCRouter, reason: Reason): void {
  const error = toTrpcError(new MintmarkError(reason));
  sendError(response, error, shapeOf(router, error));
}

/** Sends an error as the router shapes it, with the status of its tRPC code: a shape need not contain one. */
export function sendError(response: ServerResponse, error: TRPCError, shape: unknown): void {
  response.setHeader("x-request-id", requestIdOf(response.req));
  response.statusCode = getHTTPStatusCodeFromError(error);
  response.setHeader("content-type", "application/json");
  response.end(response.req.method === "HEAD" ? undefined : JSON.stringify({ error: shape }));
}
