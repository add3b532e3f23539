import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { type CreateHTTPHandlerOptions, createHTTPHandler } from "@trpc/server/adapters/standalone";
import { createInputs, type InputRules, type InputsOptions } from "./inputs.ts";
import { readBody } from "./plain-request.ts";

export type AdapterOptions<Router extends AnyTRPCRouter> = CreateHTTPHandlerOptions<Router> & { rules: InputRules };

/** Serves a request by tRPC's standalone adapter, but for the inputs, which are read by rules. */
export function serveByAdapter<Router extends AnyTRPCRouter>(
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
  options: AdapterOptions<Router>,
): void {
  const { router, rules, maxBodySize } = options;
  const [, query] = (request.url ?? "").split("?", 2);
  const parameters = new URLSearchParams(query);
  const isBatch = parameters.get("batch") === "1";
  const receive =
    request.method === "GET" ? () => parameters.get("input") : receiverOf(request, maxBodySize ?? undefined);
  const inputs = createInputs({ request, isBatch }, { router, rules, receive });
  // The adapter begins to read a body at once, unless there is one.
  request.body ??= "";
  const handle = createHTTPHandler<Router>(Object.assign({}, options, { router: withInputs(router, inputs.read) }));
  handle(request, response);
}

/** Makes what receives the body, or what a parser before this has made of it. */
function receiverOf(
  request: IncomingMessage & { body?: unknown },
  maxBodySize: number | undefined,
): InputsOptions["receive"] {
  const { body, readableEnded } = request;
  if (body === undefined) return () => (readableEnded ? null : readBody(request, maxBodySize));
  return () => (typeof body === "string" ? body : JSON.stringify(body));
}

/** The same router, but its procedures are called with these inputs. */
function withInputs<Router extends AnyTRPCRouter>(router: Router, read: (index: number) => Promise<unknown>): Router {
  const withInput = (procedure: AnyTRPCProcedure) => {
    const call = (options: Parameters<AnyTRPCProcedure>[0]) => {
      const { batchIndex = 0 } = options as { batchIndex?: number };
      return procedure(Object.assign({}, options, { getRawInput: () => read(batchIndex) }));
    };
    return Object.assign(call, procedure);
  };
  // Those of a lazy router come to the record when they are asked for.
  const procedures = new Proxy<Record<string, AnyTRPCProcedure | undefined>>(router._def.procedures, {
    get(loaded, name: string) {
      const procedure = loaded[name];
      return procedure && withInput(procedure);
    },
  });
  return { ...router, _def: { ...router._def, procedures } };
}
