import { z } from "zod";
import { checkOptions, functionOption, type OptionSchemas, objectWith } from "../token/check-options.ts";
import type { Timeouts } from "./listen.ts";
import type { HandlerOptions, ServerOptions } from "./server.ts";

const milliseconds = "must be a whole number of milliseconds, 0 or more";
const timeout = z.int(milliseconds).min(0, milliseconds).optional();

const timeouts: OptionSchemas<Timeouts> = {
  headersTimeout: timeout,
  requestTimeout: timeout,
  keepAliveTimeout: timeout,
  connectionsCheckingInterval: timeout,
  silence: timeout,
};

const handlerOptions: OptionSchemas<HandlerOptions> = {
  router: z.custom(isRouter, "must be a router of tRPC").optional(),
  logger: objectWith(["error", "warn", "info", "debug", "isLevelEnabled"], "a logger of pino").optional(),
  trustProxy: z.array(z.string()).optional(),
  origins: z.array(z.string()).optional(),
  share: functionOption.optional(),
};

const port = "must be a port number, 0 to 65535 (0 picks a free one)";

const serverOptions: OptionSchemas<ServerOptions> = {
  ...handlerOptions,
  host: z.string().min(1).optional(),
  port: z.int(port).min(0, port).max(65535, port).optional(),
  timeouts: z.strictObject(timeouts).optional(),
};

function isRouter(value: unknown): boolean {
  return (typeof value === "object" || typeof value === "function") && value !== null && "_def" in value;
}

export function checkHandlerOptions(given: unknown): void {
  checkOptions("createRequestHandler", handlerOptions, given);
}

export function checkServerOptions(given: unknown): void {
  checkOptions("createTokenServer", serverOptions, given);
}
