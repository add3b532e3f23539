import { createTRPCClient, localLink, type TRPCClient } from "@trpc/client";
import { createTokenClient } from "../client/client.ts";
import { readConfig } from "../config.ts";
import { httpOrigin } from "../http/listen.ts";
import { openService } from "../open.ts";
import { createTokenRouter, type TokenRouter } from "../router/router.ts";
import { localCaller } from "../service/caller.ts";
import { complain } from "./run.ts";
import { checkServiceUrl } from "./service-url.ts";

export type Connection = { client: TRPCClient<TokenRouter>; close: () => Promise<void> };

/**
 * Connects to the service at a URL, as the client in the environment; without one, to the data that
 * the environment names, in this process. Whoever can read those may do everything anyway.
 */
export async function connect(url: string | undefined): Promise<Connection> {
  const config = readConfig();
  if (url !== undefined) {
    checkServiceUrl(url);
    const { credentials } = config;
    return { client: createTokenClient({ url, ...(credentials && { credentials }) }), close: async () => {} };
  }
  const origin = httpOrigin(config.host, config.port);
  const service = await openService(config, { origin, guest: true, shared: true });
  if (config.issuer !== undefined && config.issuer !== service.issuer)
    complain(`the service issues as ${service.issuer}, and so does this: MINTMARK_ISSUER differs`);
  const link = localLink<TokenRouter>({
    router: createTokenRouter(service),
    createContext: async () => ({ authenticate: async () => localCaller }),
  });
  return { client: createTRPCClient<TokenRouter>({ links: [link] }), close: service.close };
}
