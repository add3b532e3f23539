import type { IncomingMessage } from "node:http";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { type CreateHTTPHandlerOptions, createHTTPHandler } from "@trpc/server/adapters/standalone";
import { readBody } from "../request/body.ts";
import { createInputs, type InputRules, type InputsOptions } from "./inputs.ts";
import type { Routed } from "./request-info.ts";

export type AdapterOptions<Router extends AnyTRPCRouter> = CreateHTTPHandlerOptions<Router> & { rules: InputRules };

type Request = IncomingMessage & { body?: unknown };

/** Serves a request by tRPC's standalone adapter, with inputs parsed by `rules`. */
export function serveByAdapter<Router extends AnyTRPCRouter>(
  { request, response, target }: Omit<Routed, "request"> & { request: Request },
  options: AdapterOptions<Router>,
): void {
  const { router, rules, maxBodySize } = options;
  const parameters = new URLSearchParams(target.query);
  const isBatch = parameters.get("batch") === "1";
  const receive =
    request.method === "GET" ? () => parameters.get("input") : receiverOf(request, maxBodySize ?? undefined);
  const inputs = createInputs({ request, target, isBatch }, { router, rules, receive });
  // Without a `body`, the adapter reads the stream at once.
  request.body ??= "";
  const handle = createHTTPHandler<Router>(Object.assign({}, options, { router: withInputs(router, inputs.read) }));
  handle(request, response);
}

/** Receives the body, or the `body` that an earlier parser set. */
function receiverOf(request: Request, maxBodySize: number | undefined): InputsOptions["receive"] {
  const { body, readableEnded } = request;
  if (body === undefined) return () => (readableEnded ? null : readBody(request, maxBodySize));
  return () => (typeof body === "string" ? body : JSON.stringify(body));
}

/** The same router, whose procedures are called with these inputs. */
function withInputs<Router extends AnyTRPCRouter>(router: Router, read: (index: number) => Promise<unknown>): Router {
  const withInput = (procedure: AnyTRPCProcedure) => {
    const call = (options: Parameters<AnyTRPCProcedure>[0]) => {
      const { batchIndex = 0 } = options as { batchIndex?: number };
      return procedure(Object.assign({}, options, { getRawInput: () => read(batchIndex) }));
    };
    return Object.assign(call, procedure);
  };
  // A lazy router adds its procedures on first access.
  const procedures = new Proxy<Record<string, AnyTRPCProcedure | undefined>>(router._def.procedures, {
    get(loaded, name: string) {
      const procedure = loaded[name];
      return procedure && withInput(procedure);
    },
  });
  return { ...router, _def: { ...router._def, procedures } };
}
