import type { Logger } from "pino";
import { z } from "zod";
import type { SignInHook } from "../oauth/sign-in-hook.ts";
import type { SignInMethod } from "../oauth/sign-in-method.ts";
import type { ServedRouter } from "../router/procedure.ts";
import { checkOptions, functionOption, type OptionSchemas, objectWith } from "../token/check-options.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import type { Timeouts } from "./listen.ts";
import type { ShareSamples } from "./metrics/metrics-endpoint.ts";
import { type Theme, themeSchemas } from "./theme.ts";

export type HandlerOptions<Schema extends ClaimsSchema = never> = {
  /** The served router, such as one that contains the service's. Default: the service's. */
  router?: ServedRouter;
  /** Default: warnings and errors, as JSON on standard error. */
  logger?: Logger;
  /** Proxies whose `X-Forwarded-For` is trusted: addresses, networks such as `10.0.0.0/8`, or `loopback`. Not where access is open. Default: none. */
  trustProxy?: readonly string[];
  /**
   * Origins, such as `https://app.example`, whose pages may call the procedures and follow the events (CORS, without
   * cookies). Where access is open, loopback origins only. Default: none.
   */
  origins?: readonly string[];
  /** How people sign in, whose tokens have the claims of the schema. Needs key pairs, and an issuer that is https or loopback. Default: not at all; where access is open, by a page of development. */
  signIn?: SignInHook<Schema> | SignInMethod;
  /** How the pages look on which people sign in and agree. */
  theme?: Theme;
  /** Shares metrics where several processes serve one port. Default: a single process. */
  share?: ShareSamples;
};

export type FetchHandlerOptions<Schema extends ClaimsSchema = never> = HandlerOptions<Schema> & {
  /**
   * The address of the client, as the platform knows it, for limits by address. Default: none, so that no limit by address
   * applies. With `trustProxy`, a request without one counts as sent by a trusted proxy.
   */
  address?: (request: Request) => string | undefined;
  /** The path of the handler, such as `/api/auth`. Default: the path of the issuer. */
  basePath?: string;
};

export type ServerOptions<Schema extends ClaimsSchema = never> = HandlerOptions<Schema> & {
  /** A loopback address where access is open. Default `127.0.0.1`. */
  host?: string;
  /** 0 picks a free port. Default 3000. */
  port?: number;
  /** Limits for slow clients. Default: 10 s for the head of a request, 30 s for all of it, 30 s of silence, 620 s until the next request. */
  timeouts?: Partial<Timeouts>;
};

const timerMs = "must be a whole number of milliseconds, 0 or more";
const timeoutMs = z.int(timerMs).min(0, timerMs).optional();

const timeouts: OptionSchemas<Timeouts> = {
  headersTimeout: timeoutMs,
  requestTimeout: timeoutMs,
  keepAliveTimeout: timeoutMs,
  connectionsCheckingInterval: timeoutMs,
  silence: timeoutMs,
};

/** Compared with paths as received: nothing that needs encoding. */
const BASE_PATH = /^(?:\/[\w.~-]+)*$/;

const handlerOptions: OptionSchemas<HandlerOptions> = {
  router: z.custom(isRouter, "must be a router of tRPC").optional(),
  logger: z.optional(objectWith(["error", "warn", "info", "debug", "isLevelEnabled"], "a logger of pino")),
  trustProxy: z.array(z.string()).optional(),
  origins: z.array(z.string()).optional(),
  signIn: z.custom(isSignIn, "must be a function").optional(),
  theme: z.strictObject(themeSchemas).partial().optional(),
  share: z.optional(functionOption),
};

const fetchHandlerOptions: OptionSchemas<FetchHandlerOptions> = {
  ...handlerOptions,
  address: z.optional(functionOption),
  basePath: z.string().regex(BASE_PATH, "must be a path such as /api/auth, without a slash at its end").optional(),
};

const port = "must be a port number, 0 to 65535 (0 picks a free one)";

const serverOptions: OptionSchemas<ServerOptions> = {
  ...handlerOptions,
  host: z.string().min(1).optional(),
  port: z.int(port).min(0, port).max(65535, port).optional(),
  timeouts: z.strictObject(timeouts).optional(),
};

function isSignIn(value: unknown): boolean {
  return (
    typeof value === "function" ||
    (typeof value === "object" && value !== null && "signIn" in value && typeof value.signIn === "function")
  );
}

function isRouter(value: unknown): boolean {
  return (typeof value === "object" || typeof value === "function") && value !== null && "_def" in value;
}

export function checkHandlerOptions(given: unknown): void {
  checkOptions("createRequestHandler", handlerOptions, given);
}

export function checkFetchHandlerOptions(given: unknown): void {
  checkOptions("createFetchHandler", fetchHandlerOptions, given);
}

export function checkServerOptions(given: unknown): void {
  checkOptions("createTokenServer", serverOptions, given);
}
