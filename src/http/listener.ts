import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import pino, { type Logger } from "pino";
import { catalogue, MintmarkError, StartError } from "../errors.ts";
import { createTokenRouter } from "../router/router.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { createGatewayHandler, GATEWAY_PATH } from "./gateway.ts";
import { createFailureLog, describeError, logRequest } from "./log.ts";
import { createAdmission, createReader, metricsDocument, type ShareSamples } from "./metrics/metrics-endpoint.ts";
import { createOAuthRows } from "./oauth.ts";
import type { HandlerOptions } from "./options.ts";
import { createPages, type MakeDocument } from "./pages/pages.ts";
import { type AddressOf, createAddressOf } from "./request/client.ts";
import { createHostCheck, createOriginList, isRepeated } from "./request/origin.ts";
import { headersFor, isOfPage, requestIdOf, sendDocument, sendText } from "./respond.ts";
import { basePathOf, createRoutes, type Handle, type Route, type Routes } from "./routes.ts";
import { createTrpcListener, TRPC_PATH } from "./rpc/trpc-listener.ts";
import { createBrowserCookies } from "./sign-in/cookies.ts";
import { signInMethodFor } from "./sign-in/method.ts";
import { createSignInRows } from "./sign-in/rows.ts";

export type ListenerOptions<Schema extends ClaimsSchema> = HandlerOptions<Schema> & {
  /** The address of a peer. Default: that of its socket. */
  peerOf?: AddressOf;
  /** Where the routes are, beside the root. Default: the path of the issuer. */
  basePath?: string | undefined;
};

/** Makes the listener behind every kind of server: the route table, and what applies to every request. Options are valid. */
export function createListener<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  options: ListenerOptions<Schema>,
): RequestListener {
  const { router = createTokenRouter(service), logger = pino({ level: "warn" }, pino.destination(2)) } = options;
  const { trustProxy = [], share = alone, theme = {} } = options;
  const { issuer, open } = service;
  if (open && trustProxy.length > 0)
    throw new StartError(
      "trustProxy requires MINTMARK_ACCESS=clients or open: false: with open access, every client of the proxy would have every permission",
    );
  const origins = createOriginList(options.origins ?? [], { open });
  const addressOf = createAddressOf(trustProxy, options.peerOf);
  // Clients that authenticate may use any host name.
  const isAllowedHost = open ? createHostCheck(issuer) : () => true;
  const read = share(createReader(() => ({ measures: service.metrics.read(), routes: routes.all() })));
  const admit = createAdmission(service, addressOf);
  const metrics: MakeDocument = (request) => admit(request).then(() => metricsDocument(read));
  const { basePath = basePathOf(issuer) } = options;
  const logFailure = createFailureLog(logger);
  const { signIns, devices, logout, tracer } = service;
  const cookies = createBrowserCookies(issuer);
  const hasKeyPairs = signIns !== undefined;
  const method = signInMethodFor({
    given: options.signIn,
    claims: service.claims,
    open,
    hasKeyPairs,
    hasCookies: cookies !== undefined,
  });
  const signsIn = method !== undefined;
  const pages = createPages(service, { router, metrics, signsIn, basePath, theme });
  const forPeople =
    signIns !== undefined && devices !== undefined && logout !== undefined && cookies !== undefined
      ? createSignInRows({
          signIns,
          devices,
          logout,
          method,
          issuer,
          cookies,
          theme,
          addressOf,
          tracer,
          logger,
          logFailure,
        })
      : [];
  const routes: Routes = createRoutes({
    rows: [
      ...pages.map(({ make, ...page }) => ({ ...page, methods: GET, handle: documentHandler(make, logger) })),
      { path: GATEWAY_PATH, methods: GET, handle: createGatewayHandler({ service, addressOf, logger }) },
      ...createOAuthRows({ service, signsIn, addressOf, logFailure }),
      ...forPeople,
    ],
    router,
    trpcPath: TRPC_PATH,
    serveCall: createTrpcListener({ router, issuer, addressOf, open, origins, isAllowedHost, logFailure }),
    isAllowedHost,
    basePath,
  });

  return (request, response) => {
    const { route, target } = routes.find(request.url ?? "");
    if (logger.isLevelEnabled("debug")) logRequest(logger, route.name, { request, response });
    countAnswer(route, response);
    if (!route.setsHeaders) response.setHeader("x-content-type-options", "nosniff");
    // RFC 9112 §3.2.
    if (isRepeated(request, "host")) rejectAndClose(response, "A request has one Host");
    else if (target === undefined) rejectAndClose(response, "The request target is no path and no http URL");
    else route.handle(request, response, target);
  };
}

function countAnswer({ answers }: Route, response: ServerResponse): void {
  response.on("close", () => {
    const digit = response.headersSent ? Math.floor(response.statusCode / 100) : 0;
    answers[digit] = (answers[digit] ?? 0) + 1;
  });
}

function rejectAndClose(response: ServerResponse, text: string): void {
  response.shouldKeepAlive = false;
  sendText(response, 400, text);
}

const GET = ["GET"] as const;

/** The metrics of a single process. */
const alone: ShareSamples = (own) => async () => [await own()];

function documentHandler(make: MakeDocument, logger: Logger): Handle {
  return async (request, response) => {
    try {
      sendDocument(request, response, await make(request));
    } catch (error) {
      if (error instanceof MintmarkError) return sendMintmarkError(request, response, error);
      logger.error({ requestId: requestIdOf(request), error: describeError(error) }, "document failed");
      sendText(response, 500, "Internal server error");
    }
  };
}

function sendMintmarkError(request: IncomingMessage, response: ServerResponse, error: MintmarkError): void {
  const { status, message } = catalogue[error.reason];
  response.setHeaders(headersFor([error], { isOfPage: isOfPage(request) }));
  sendText(response, status, message);
}
