import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import pino, { type Logger } from "pino";
import { StartError } from "../errors.ts";
import { createTokenRouter } from "../router/router.ts";
import type { ServedRouter } from "../router/trpc.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { createDocuments, type MakeDocument } from "./documents.ts";
import { createHostGuard, isAmbiguous, isLoopback } from "./guard.ts";
import { listen, type RunningServer, type Timeouts } from "./listen.ts";
import { describeError, logRequest } from "./log.ts";
import { createAddressOf } from "./proxies.ts";
import { refusesMethod, sendDocument, sendText } from "./respond.ts";
import { createTrpcListener, TRPC_PATH } from "./trpc.ts";

export type HandlerOptions = {
  /** Default: the service's own router. Give a larger one to serve more procedures beside it. */
  router?: ServedRouter;
  /** Default: warnings and errors, as JSON on standard error. */
  logger?: Logger;
  /**
   * Proxies whose `X-Forwarded-For` is believed: addresses, networks such as `10.0.0.0/8`, or `loopback`. Default:
   * none. Where access is open there can be none.
   */
  trustProxy?: readonly string[];
};

export type ServerOptions = HandlerOptions & {
  /** Where access is open, a loopback address. Default `127.0.0.1`. */
  host?: string;
  /** 0 picks a free one. Default 3000. */
  port?: number;
  /** How slow a client may be, in milliseconds. Default: 10 s for the head of a request, 30 s for all of it, 30 s of silence. */
  timeouts?: Partial<Timeouts>;
};

/** Serves a token service over HTTP. Closing the server closes the service too. */
export function createTokenServer<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  { host = "127.0.0.1", port = 3000, timeouts = {}, ...options }: ServerOptions = {},
): Promise<RunningServer> {
  if (service.open && !isLoopback(host))
    throw new StartError(`${host} is not a loopback address: whoever reaches it could do everything`);
  const listener = createRequestHandler(service, options);
  const { endFeeds, close } = service;
  return listen({ host, port, timeouts, prepare: async () => ({ listener, endFeeds, close }) });
}

/**
 * Makes the `node:http` request listener: tRPC under `/trpc/`, and the documents beside it.
 * Where access is open, whoever can connect may do everything: it must listen on a loopback address.
 */
export function createRequestHandler<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  options: HandlerOptions = {},
): RequestListener {
  const { router = createTokenRouter(service), logger = pino({ level: "warn" }, pino.destination(2)) } = options;
  const { trustProxy = [] } = options;
  if (service.open && trustProxy.length > 0)
    throw new StartError("Access is open, so there can be no proxy: whoever reaches it could do everything");
  const { issuer, authenticate } = service;
  const serveTrpc = createTrpcListener({
    router,
    issuer,
    authenticate,
    addressOf: createAddressOf(trustProxy),
    logger,
  });
  const documents = createDocuments(service, router);
  const isForUs = createHostGuard(issuer);

  return (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const isTrpc = path.startsWith(TRPC_PATH);
    const document = documents.get(path);
    logRequest(logger, isTrpc ? TRPC_PATH : document ? path : "unknown", { request, response });
    response.setHeader("x-content-type-options", "nosniff");

    if (isAmbiguous(request)) {
      response.shouldKeepAlive = false;
      sendText(response, 400, "A request has one Host");
    } else if (service.open && !isForUs(request))
      sendText(response, 403, "This server answers to names of its own machine only");
    else if (isTrpc) serveTrpc(request, response);
    else if (document === undefined) sendText(response, 404, "Not found: see / for what is here");
    else if (!refusesMethod(request, response, ["GET", "HEAD"])) void sendMade(document, { request, response, logger });
  };
}

type Exchange = { request: IncomingMessage; response: ServerResponse; logger: Logger };

async function sendMade(make: MakeDocument, { request, response, logger }: Exchange): Promise<void> {
  try {
    sendDocument(request, response, await make());
  } catch (error) {
    logger.error({ error: describeError(error) }, "document failed");
    sendText(response, 500, "Internal server error");
  }
}
