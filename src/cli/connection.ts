import { createTRPCClient, localLink, type TRPCClient } from "@trpc/client";
import { createTokenClient } from "../client/client.ts";
import { httpOrigin } from "../http/listen.ts";
import { openService } from "../program/compose.ts";
import { type Config, isSet, readConfig } from "../program/config.ts";
import { createTokenRouter, type TokenRouter } from "../router/router.ts";
import { localCaller } from "../service/access/caller.ts";
import type { EffectiveSettings } from "../service/settings.ts";
import { warn } from "./run.ts";
import { checkServiceUrl } from "./service-url.ts";

export type Connection = { client: TRPCClient<TokenRouter>; close: () => Promise<void> };

/**
 * Connects to the service at a URL as the client in the environment. Without a URL, opens the configured data in this
 * process, as administrator: a user who can read the data has all rights anyway.
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
  for (const difference of differencesFrom(config, service.settings())) warn(difference);
  const link = localLink<TokenRouter>({
    router: createTokenRouter(service),
    createContext: async () => ({ authenticate: async () => localCaller }),
  });
  return { client: createTRPCClient<TokenRouter>({ links: [link] }), close: service.close };
}

type Variable = "MINTMARK_ISSUER" | "MINTMARK_AUDIENCE" | "MINTMARK_ALG" | "MINTMARK_TTL" | "MINTMARK_MAX_TTL";

/** Stored settings, which a command uses in place of the variable, and a message for each. */
const STORED: readonly [Variable, keyof EffectiveSettings, says: (value: string | number) => string][] = [
  ["MINTMARK_ISSUER", "issuer", (issuer) => `the issuer of the service, ${issuer}, is used`],
  ["MINTMARK_AUDIENCE", "audience", (audience) => `the default audience of the service, ${audience}, is used`],
  ["MINTMARK_ALG", "alg", (alg) => `the algorithm of the service, ${alg}, is used`],
  ["MINTMARK_TTL", "ttl", (ttl) => `the default lifetime of the service, ${ttl} s, is used`],
  ["MINTMARK_MAX_TTL", "maxTtl", (maxTtl) => `the longest lifetime of the service, ${maxTtl} s, is used`],
];

/** One line for each variable that differs from the stored setting. */
function differencesFrom(config: Config, settings: EffectiveSettings): string[] {
  return STORED.filter(([variable, name]) => isSet(variable) && config[name] !== settings[name]).map(
    ([variable, name, says]) => `${says(settings[name])}: ${variable} differs`,
  );
}
