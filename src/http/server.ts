import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import pino, { type Logger } from "pino";
import { StartError } from "../errors.ts";
import { createTokenRouter } from "../router/router.ts";
import type { ServedRouter } from "../router/trpc.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { createDocuments, type MakeDocument } from "./documents.ts";
import { createHostGuard, isLoopback } from "./guard.ts";
import { listen, type RunningServer } from "./listen.ts";
import { describeError, logRequest } from "./log.ts";
import { refusesMethod, sendDocument, sendText } from "./respond.ts";
import { createTrpcListener, TRPC_PATH } from "./trpc.ts";

export type HandlerOptions = {
  /** Default: the service's own router. Give a larger one to serve more procedures beside it. */
  router?: ServedRouter;
  /** Default: warnings and errors, as JSON on standard error. */
  logger?: Logger;
};

export type ServerOptions = HandlerOptions & {
  /** Where access is open, a loopback address. Default `127.0.0.1`. */
  host?: string;
  /** 0 picks a free one. Default 3000. */
  port?: number;
};

/** Serves a token service over HTTP. Closing the server closes the service too. */
export function createTokenServer<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  { host = "127.0.0.1", port = 3000, ...options }: ServerOptions = {},
): Promise<RunningServer> {
  if (service.open && !isLoopback(host))
    throw new StartError(`${host} is not a loopback address: whoever reaches it could do everything`);
  const listener = createRequestHandler(service, options);
  const { endFeeds, close } = service;
  return listen({ host, port, prepare: async () => ({ listener, endFeeds, close }) });
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
  // Where callers must be known, it does not matter by which name they come.
  const isForUs = service.open ? createHostGuard(service.issuer) : () => true;
  const serveTrpc = createTrpcListener({ router, authenticate: service.authenticate, isForUs, logger });
  const documents = createDocuments(service, router);

  return (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const isTrpc = path.startsWith(TRPC_PATH);
    const document = documents.get(path);
    logRequest(logger, isTrpc ? TRPC_PATH : document ? path : "unknown", { request, response });
    response.setHeader("x-content-type-options", "nosniff");

    if (isTrpc) serveTrpc(request, response);
    else if (!isForUs(request)) sendText(response, 403, "This server answers to names of its own machine only");
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
