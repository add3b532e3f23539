import { getRequestListener } from "@hono/node-server";
import { createFetchHandler } from "../../src/http/fetch-handler.ts";
import { listen, type RunningServer } from "../../src/http/listen.ts";
import { checkServerOptions, type ServerOptions } from "../../src/http/options.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { ClaimsSchema } from "../../src/token/claims.ts";

/** The same server as by `createTokenServer`, behind a fetch handler. */
export function createFetchServer<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  given: ServerOptions<Schema> = {},
): Promise<RunningServer> {
  checkServerOptions(given);
  const { host = "127.0.0.1", port = 0, timeouts = {}, ...options } = given;
  const { drain, endFeeds, close } = service;
  return listen({
    host,
    port,
    timeouts,
    async prepare(origin) {
      await service.adoptIssuer(origin);
      const addresses = new WeakMap<Request, string>();
      const handle = createFetchHandler(service, { ...options, address: (request) => addresses.get(request) });
      const listener = getRequestListener(
        (request, { incoming }) => {
          addresses.set(request, incoming.socket.remoteAddress ?? "unknown");
          return handle(request);
        },
        { overrideGlobalObjects: false },
      );
      return { listener, drain, endFeeds, close };
    },
  });
}
