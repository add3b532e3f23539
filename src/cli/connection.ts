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
  for (const difference of differencesFrom(config, service.settings())) warn(difference);
  const link = localLink<TokenRouter>({
    router: createTokenRouter(service),
    createContext: async () => ({ authenticate: async () => localCaller }),
  });
  return { client: createTRPCClient<TokenRouter>({ links: [link] }), close: service.close };
}

type Variable = "MINTMARK_ISSUER" | "MINTMARK_AUDIENCE" | "MINTMARK_ALG" | "MINTMARK_TTL" | "MINTMARK_MAX_TTL";

/** What is stored with the data, by the variable that a command leaves aside where it says otherwise. */
const STORED: readonly [Variable, keyof EffectiveSettings, says: (value: string | number) => string][] = [
  ["MINTMARK_ISSUER", "issuer", (issuer) => `the service issues as ${issuer}, and so does this`],
  [
    "MINTMARK_AUDIENCE",
    "audience",
    (audience) => `the default audience of the service is ${audience}, and so it is here`,
  ],
  ["MINTMARK_ALG", "alg", (alg) => `the service makes keys for ${alg}, and so does this`],
  ["MINTMARK_TTL", "ttl", (ttl) => `a token of the service lives ${ttl} s by default, and so does one of this`],
  [
    "MINTMARK_MAX_TTL",
    "maxTtl",
    (maxTtl) => `a token of the service lives ${maxTtl} s at most, and so does one of this`,
  ],
];

/** One line for each variable that is set and differs from what is stored. */
function differencesFrom(config: Config, settings: EffectiveSettings): string[] {
  return STORED.filter(([variable, name]) => isSet(variable) && config[name] !== settings[name]).map(
    ([variable, name, says]) => `${says(settings[name])}: ${variable} differs`,
  );
}
