import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import pino, { type Logger } from "pino";
import { catalogue, MintmarkError, StartError } from "../errors.ts";
import { createTokenRouter } from "../router/router.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { headersFor, isOfPage } from "./error-response.ts";
import { listen, type RunningServer } from "./listen.ts";
import { describeError, logRequest } from "./log.ts";
import { createAdmission, createReader, metricsDocument, type ShareSamples } from "./metrics/metrics-endpoint.ts";
import { checkHandlerOptions, checkServerOptions, type HandlerOptions, type ServerOptions } from "./options.ts";
import { createPages, type MakeDocument, type ServedDocument } from "./pages/pages.ts";
import { createAddressOf } from "./request/client-address.ts";
import { admitAnyOrigin, createOriginList } from "./request/cors.ts";
import { createHostCheck, isAmbiguous, isLoopback } from "./request/origin.ts";
import { requestIdOf } from "./request/request-id.ts";
import { basePathOf, createTargetParser, type Target, urlOf } from "./request/target.ts";
import { refusesMethod, sendDocument, sendText } from "./respond.ts";
import { countAnswer, createRoutes } from "./routes.ts";
import { createTrpcListener, TRPC_PATH } from "./rpc/trpc-listener.ts";

/**
 * Serves a token service over HTTP. Where the service was given no issuer, that is the origin it is served at. Closing the
 * server closes the service too. With hundreds of followers, requests cost
 * less under `node --no-allocation-site-pretenuring`, which `npm start` sets by itself.
 */
export function createTokenServer<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  given: ServerOptions = {},
): Promise<RunningServer> {
  checkServerOptions(given);
  const { host = "127.0.0.1", port = 3000, timeouts = {}, ...options } = given;
  if (service.open && !isLoopback(host))
    throw new StartError(`${host} is not a loopback address: whoever reaches it could do everything`);
  const { drain, endFeeds, close } = service;
  return listen({
    host,
    port,
    timeouts,
    async prepare(origin) {
      await service.adoptIssuer(origin);
      return { listener: createRequestHandler(service, options), drain, endFeeds, close };
    },
  });
}

/**
 * Makes the `node:http` request listener: tRPC under `/trpc/`, and the documents beside it; the same once more below the
 * path of the issuer, for a proxy that passes it on.
 * Where access is open, whoever can connect may do everything: it must listen on a loopback address.
 */
export function createRequestHandler<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  options: HandlerOptions = {},
): RequestListener {
  checkHandlerOptions(options);
  const { router = createTokenRouter(service), logger = pino({ level: "warn" }, pino.destination(2)) } = options;
  const { trustProxy = [], share = alone } = options;
  const { issuer, authenticate, open } = service;
  if (open && trustProxy.length > 0)
    throw new StartError("Access is open, so there can be no proxy: whoever reaches it could do everything");
  const origins = createOriginList(options.origins ?? [], { open });
  const addressOf = createAddressOf(trustProxy);
  // Where callers must be known, it does not matter by which name they come.
  const isAllowedHost = open ? createHostCheck(issuer) : () => true;
  const serveTrpc = createTrpcListener({
    router,
    issuer,
    authenticate,
    addressOf,
    open,
    origins,
    isAllowedHost,
    logger,
  });
  const read = share(createReader(() => ({ measures: service.metrics.read(), routes: routes.all() })));
  const admit = createAdmission(service, addressOf);
  const metrics: MakeDocument = (request) => admit(request).then(() => metricsDocument(read));
  const basePath = basePathOf(issuer);
  const documents = createPages(service, { router, metrics, basePath });
  const routes = createRoutes(documents, { router, basePath: TRPC_PATH });
  const isServed = (path: string) => routes.find(path) !== routes.unknown;
  const readTarget = createTargetParser({ basePath, isServed });

  return (request, response) => {
    const target = readTarget(request.url ?? "");
    const route = target === undefined ? routes.unknown : routes.find(target.path);
    const { document } = route;
    logRequest(logger, route.name, { request, response });
    countAnswer(route, response);
    response.setHeader("x-content-type-options", "nosniff");

    if (isAmbiguous(request)) rejectAndClose(response, "A request has one Host");
    else if (target === undefined) rejectAndClose(response, "The request target is no path and no http URL");
    else if (target.path.startsWith(TRPC_PATH)) {
      // tRPC reads it for itself.
      request.url = urlOf(target);
      serveTrpc(request, response, target);
    } else if (!isAllowedHost(request, target.authority) && !allowsMissingHost(document, request, target))
      sendText(
        response,
        403,
        "Access is open, and so to this machine only, by its own names: MINTMARK_ACCESS=clients serves others",
      );
    else if (target.path === "*" && request.method === "OPTIONS") refusesMethod(request, response, EVERY_METHOD);
    else if (document === undefined) sendText(response, 404, "Not found: see / for what is here");
    else {
      if (document.anyOrigin) admitAnyOrigin(request, response);
      if (!refusesMethod(request, response, ["GET", "HEAD"]))
        void sendDocumentOf(document.make, { request, response, logger });
    }
  };
}

/** What a server takes as a whole (RFC 9110 §9.3.7). */
const EVERY_METHOD = ["GET", "HEAD", "POST"];

/** Whether a request that names no host may have a document: by HTTP/1.0, health checks name none. */
function allowsMissingHost(
  document: ServedDocument | undefined,
  { headers }: IncomingMessage,
  target: Target,
): boolean {
  return document?.withoutHost === true && !headers.host && target.authority === undefined;
}

function rejectAndClose(response: ServerResponse, text: string): void {
  response.shouldKeepAlive = false;
  sendText(response, 400, text);
}

/** Gathers the metrics where there is one process. */
const alone: ShareSamples = (own) => async () => [await own()];

type Exchange = { request: IncomingMessage; response: ServerResponse; logger: Logger };

async function sendDocumentOf(make: MakeDocument, { request, response, logger }: Exchange): Promise<void> {
  try {
    sendDocument(request, response, await make(request));
  } catch (error) {
    if (error instanceof MintmarkError) return sendRejection(response, error);
    logger.error({ requestId: requestIdOf(request), error: describeError(error) }, "document failed");
    sendText(response, 500, "Internal server error");
  }
}

function sendRejection(response: ServerResponse, cause: MintmarkError): void {
  const { status, message } = catalogue[cause.reason];
  response.setHeaders(headersFor([cause], { isOfPage: isOfPage(response.req) }));
  sendText(response, status, message);
}
