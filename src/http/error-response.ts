import type { IncomingMessage, ServerResponse } from "node:http";
import { type AnyTRPCRouter, getTRPCErrorShape, type TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { catalogue, MintmarkError, type Reason } from "../errors.ts";
import { toTrpcError } from "../verifier/middleware/trpc-error.ts";
import { requestIdOf } from "./request/request-id.ts";

const BASIC = 'Basic realm="mintmark", charset="UTF-8"';
const BEARER = 'Bearer realm="mintmark", error="invalid_token"';

/** What HTTP wants to be said beside a refusal: how to authenticate (RFC 9110 §11.6.1), and when to come again. */
export function headersFor(causes: readonly unknown[], { isOfPage }: { isOfPage: boolean }): Headers {
  const headers = new Headers();
  for (const cause of causes) {
    if (!(cause instanceof MintmarkError)) continue;
    if (catalogue[cause.reason].status === 401) {
      if (cause.reason !== "invalid_client") headers.set("www-authenticate", BEARER);
      else if (!isOfPage) headers.set("www-authenticate", BASIC);
    }
    if (cause.retryAfter !== undefined) headers.set("retry-after", String(cause.retryAfter));
  }
  return headers;
}

/**
 * Whether a script of a page sent a request, as opposed to a program or somebody who typed the URL. Its browser would
 * answer a challenge of Basic by a dialog of its own, and the script would wait for it. Node's own `fetch` sends
 * `Sec-Fetch-Mode` as well, but nothing about the site; without TLS, browsers send neither but to this machine.
 */
export function isOfPage({ headers }: IncomingMessage): boolean {
  if (headers["sec-fetch-site"] !== undefined) return headers["sec-fetch-mode"] !== "navigate";
  return headers.origin !== undefined || headers["x-requested-with"] !== undefined;
}

/** Answers a refusal that no procedure made in tRPC's own envelope, so that a typed client reads it like any other. */
export function sendErrorResponse(response: ServerResponse, router: AnyTRPCRouter, reason: Reason): void {
  const error = toTrpcError(new MintmarkError(reason));
  const details = { type: "unknown", path: undefined, input: undefined, ctx: undefined } as const;
  sendError(response, error, getTRPCErrorShape({ config: router._def._config, error, ...details }));
}

/** Sends an error as the router shapes it, with the status that tRPC has for its code: a shape need not tell it. */
export function sendError(response: ServerResponse, error: TRPCError, shape: unknown): void {
  response.setHeader("x-request-id", requestIdOf(response.req));
  response.statusCode = getHTTPStatusCodeFromError(error);
  response.setHeader("content-type", "application/json");
  response.end(response.req.method === "HEAD" ? undefined : JSON.stringify({ error: shape }));
}
