import type { ServerResponse } from "node:http";
import { type AnyTRPCRouter, getTRPCErrorShape, type TRPCError, transformTRPCResponse } from "@trpc/server";
import { getHTTPStatusCodeFromError, type ResponseMeta } from "@trpc/server/http";

export type Answer = { result: { data: unknown } } | { error: unknown };

type Sent = {
  body: string;
  answers: readonly Answer[];
  /** The error of each answer that is one. */
  errors: readonly (TRPCError | undefined)[];
  meta: ResponseMeta | undefined;
};

const VARY = "trpc-accept, accept";
const TYPE = "application/json";

/** Sends an answer in one piece, with its length. */
export function sendAnswer(response: ServerResponse, { body, answers, errors, meta }: Sent): void {
  const hasFailed = errors.some((error) => error !== undefined);
  const status = meta?.status ?? (hasFailed ? statusOf(answers, errors) : 200);
  // A procedure may have set another one.
  if (response.statusCode === 200) response.statusCode = status;
  if (meta?.headers === undefined) {
    response.setHeader("vary", VARY);
    response.setHeader("content-type", TYPE);
  } else {
    setAll(response, meta.headers);
  }
  response.end(body);
}

/** The status of an answer, 207 of several that differ. An error shape that tells one prevails, as with tRPC's own adapter. */
function statusOf(answers: readonly Answer[], errors: Sent["errors"]): number {
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

/** Sets the headers that every answer has, and those that were asked for beside them. */
function setAll(response: ServerResponse, more: NonNullable<ResponseMeta["headers"]>): void {
  const headers = new Headers({ vary: VARY, "content-type": TYPE });
  if (more instanceof Headers) for (const [name, value] of more) headers.append(name, value);
  else for (const [name, value] of Object.entries(more)) setOne(headers, name, value);
  for (const [name, value] of headers) if (name !== "set-cookie") response.setHeader(name, value);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
}

function setOne(headers: Headers, name: string, value: string | readonly string[] | undefined): void {
  if (typeof value === "string") headers.set(name, value);
  else for (const one of value ?? []) headers.append(name, one);
}

/** What is said where even the formatting of errors fails. */
const FALLBACK_BODY = { message: "Internal server error", code: -32603, data: { httpStatus: 500 } };

/** Answers where answering has failed: what formats errors, or makes headers, threw. */
export function sendFallbackError(response: ServerResponse, router: AnyTRPCRouter, error: TRPCError): void {
  const { _config: config } = router._def;
  const shape = shapeOf(router, error);
  if (response.headersSent) return void response.end();
  response.statusCode = shape.data?.httpStatus ?? getHTTPStatusCodeFromError(error);
  response.end(JSON.stringify(transformTRPCResponse(config, { error: shape } as never)));
}

/** A formatter of somebody else's may give anything. */
function shapeOf(router: AnyTRPCRouter, error: TRPCError): { data?: { httpStatus?: number } } {
  const { _config: config } = router._def;
  try {
    const details = { type: "unknown", path: undefined, input: undefined, ctx: undefined } as const;
    return getTRPCErrorShape({ config, error, ...details }) ?? FALLBACK_BODY;
  } catch {
    return FALLBACK_BODY;
  }
}
