import type { RequestListener } from "node:http";
import { StartError } from "../errors.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { listen, type RunningServer } from "./listen.ts";
import { createListener } from "./listener.ts";
import { checkHandlerOptions, checkServerOptions, type HandlerOptions, type ServerOptions } from "./options.ts";
import { isLoopback } from "./request/origin.ts";

/**
 * Serves a token service over HTTP. The default issuer is the origin of the server. Closing the server closes the service.
 * With hundreds of followers, requests are cheaper under `node --no-allocation-site-pretenuring`, which `npm start` sets.
 */
export function createTokenServer<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  given: ServerOptions<Schema> = {},
): Promise<RunningServer> {
  checkServerOptions(given);
  const { host = "127.0.0.1", port = 3000, timeouts = {}, ...options } = given;
  if (service.open && !isLoopback(host))
    throw new StartError(
      `${host} is not a loopback address, and access is open: every client that reaches it would have every permission`,
    );
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
 * Makes the `node:http` request listener: tRPC below `/trpc/` and the documents, at the root and below the path of the
 * issuer, for a proxy that forwards that path. Where access is open, every client may do everything: listen on loopback only.
 */
export function createRequestHandler<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  options: HandlerOptions<Schema> = {},
): RequestListener {
  checkHandlerOptions(options);
  return createListener(service, options);
}
