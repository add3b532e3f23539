import type { ClientAuth, Configuration, CustomFetch } from "openid-client";
import { parseDocumentUrl } from "../../remote/document-url.ts";
import type { Milliseconds, Seconds } from "../../time.ts";

export type Library = typeof import("openid-client");

export type ProviderOptions = {
  /** The `issuer` of the provider: https, or http on loopback. */
  issuer: string;
  clientId: string;
  clientSecret: string;
};

/** Limit of each request to the provider. */
const TIMEOUT: Seconds = 5;

/** After this time the metadata is read again, beside its use. */
const LIFETIME_MS: Milliseconds = 3_600_000;

/**
 * Makes the function that reads the metadata of a provider (OpenID Connect Discovery §4), when it is first needed and once an
 * hour. After a failure the next call tries again. Calls at one time share a request.
 */
export function createProviderConfiguration(library: Library, options: ProviderOptions): () => Promise<Configuration> {
  let known: { configuration: Configuration; at: Milliseconds } | undefined;
  let running: Promise<Configuration> | undefined;

  const read = async () => {
    const configuration = await discover(library, options);
    known = { configuration, at: performance.now() };
    return configuration;
  };

  return async () => {
    if (known !== undefined && performance.now() - known.at < LIFETIME_MS) return known.configuration;
    running ??= read().finally(() => {
      running = undefined;
    });
    if (known === undefined) return running;
    running.catch(() => {});
    return known.configuration;
  };
}

async function discover(library: Library, { issuer, clientId, clientSecret }: ProviderOptions): Promise<Configuration> {
  const isPlain = new URL(issuer).protocol === "http:";
  const configuration = await library.discovery(
    new URL(issuer),
    clientId,
    undefined,
    authentication(library, clientSecret),
    {
      timeout: TIMEOUT,
      [library.customFetch]: fetchSecurely,
      // Without the second one, the signature of an ID token that the token endpoint returned is not verified.
      execute: [...(isPlain ? [library.allowInsecureRequests] : []), library.enableNonRepudiationChecks],
    },
  );
  refuseInsecure(configuration.serverMetadata().authorization_endpoint ?? "");
  return configuration;
}

/** The metadata of a provider on loopback may name other places. */
const fetchSecurely: CustomFetch = async (url, init) => {
  refuseInsecure(url);
  return fetch(url, init as RequestInit);
};

/** A URL of the provider is https, or http on loopback. */
function refuseInsecure(url: string): void {
  if (parseDocumentUrl(url) === undefined) throw new Error("The metadata of the provider has a URL that is not https");
}

/** By HTTP Basic, which every provider must support (RFC 6749 §2.3.1), unless its metadata has other methods alone. */
function authentication({ ClientSecretBasic, ClientSecretPost }: Library, clientSecret: string): ClientAuth {
  const [basic, post] = [ClientSecretBasic(clientSecret), ClientSecretPost(clientSecret)];
  return (server, ...request) => {
    const { token_endpoint_auth_methods_supported: supported = ["client_secret_basic"] } = server;
    return (supported.includes("client_secret_basic") ? basic : post)(server, ...request);
  };
}
