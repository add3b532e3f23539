import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import pino, { type Logger } from "pino";
import { catalogue, MintmarkError, StartError } from "../errors.ts";
import { createTokenRouter } from "../router/router.ts";
import type { ServedRouter } from "../router/trpc.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { createDocuments, type MakeDocument } from "./documents.ts";
import { createHostGuard, isAmbiguous, isLoopback } from "./guard.ts";
import { listen, type RunningServer, type Timeouts } from "./listen.ts";
import { describeError, logRequest } from "./log.ts";
import { createAddressOf } from "./proxies.ts";
import { requestIdOf } from "./request-id.ts";
import { refusesMethod, sendDocument, sendText } from "./respond.ts";
import { countAnswer, createRoutes } from "./routes.ts";
import { createAdmission, createReader, metricsDocument, type ShareSamples } from "./scrape.ts";
import { createTrpcListener, headersFor, TRPC_PATH } from "./trpc.ts";

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
  /** Where several processes serve one port: gathers the metrics of all of them. Default: this process is alone. */
  share?: ShareSamples;
};

export type ServerOptions = HandlerOptions & {
  /** Where access is open, a loopback address. Default `127.0.0.1`. */
  host?: string;
  /** 0 picks a free one. Default 3000. */
  port?: number;
  /** How slow a client may be, in milliseconds. Default: 10 s for the head of a request, 30 s for all of it, 30 s of silence. */
  timeouts?: Partial<Timeouts>;
};

/**
 * Serves a token service over HTTP. Where the service was given no issuer, that is the origin it is served at. Closing the
 * server closes the service too. With hundreds of followers, requests cost
 * less under `node --no-allocation-site-pretenuring`, which `npm start` sets by itself.
 */
export function createTokenServer<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  { host = "127.0.0.1", port = 3000, timeouts = {}, ...options }: ServerOptions = {},
): Promise<RunningServer> {
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
 * Makes the `node:http` request listener: tRPC under `/trpc/`, and the documents beside it.
 * Where access is open, whoever can connect may do everything: it must listen on a loopback address.
 */
export function createRequestHandler<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  options: HandlerOptions = {},
): RequestListener {
  const { router = createTokenRouter(service), logger = pino({ level: "warn" }, pino.destination(2)) } = options;
  const { trustProxy = [], share = alone } = options;
  if (service.open && trustProxy.length > 0)
    throw new StartError("Access is open, so there can be no proxy: whoever reaches it could do everything");
  const { issuer, authenticate } = service;
  const addressOf = createAddressOf(trustProxy);
  // Where callers must be known, it does not matter by which name they come.
  const isForUs = service.open ? createHostGuard(issuer) : () => true;
  const serveTrpc = createTrpcListener({ router, issuer, authenticate, addressOf, isForUs, logger });
  const read = share(createReader(() => ({ measures: service.metrics.read(), routes: routes.all() })));
  const admit = createAdmission(service, addressOf);
  const metrics: MakeDocument = (request) => admit(request).then(() => metricsDocument(read));
  const documents = createDocuments(service, { router, metrics });
  const routes = createRoutes(documents, { router, base: TRPC_PATH });

  return (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const isTrpc = path.startsWith(TRPC_PATH);
    const route = routes.find(path);
    const { document } = route;
    logRequest(logger, route.name, { request, response });
    countAnswer(route, response);
    response.setHeader("x-content-type-options", "nosniff");

    if (isAmbiguous(request)) {
      response.shouldKeepAlive = false;
      sendText(response, 400, "A request has one Host");
    } else if (isTrpc) serveTrpc(request, response);
    else if (!isForUs(request))
      sendText(
        response,
        403,
        "Access is open, and so to this machine only, by its own names: MINTMARK_ACCESS=clients serves others",
      );
    else if (document === undefined) sendText(response, 404, "Not found: see / for what is here");
    else if (!refusesMethod(request, response, ["GET", "HEAD"])) void sendMade(document, { request, response, logger });
  };
}

/** Gathers the metrics where there is one process. */
const alone: ShareSamples = (own) => async () => [await own()];

type Exchange = { request: IncomingMessage; response: ServerResponse; logger: Logger };

async function sendMade(make: MakeDocument, { request, response, logger }: Exchange): Promise<void> {
  try {
    sendDocument(request, response, await make(request));
  } catch (error) {
    if (error instanceof MintmarkError) return sendRefusal(response, error);
    logger.error({ requestId: requestIdOf(request), error: describeError(error) }, "document failed");
    sendText(response, 500, "Internal server error");
  }
}

function sendRefusal(response: ServerResponse, cause: MintmarkError): void {
  const { code, message } = catalogue[cause.reason];
  response.setHeaders(headersFor([cause]));
  sendText(response, getHTTPStatusCodeFromError(new TRPCError({ code })), message);
}
