import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from "openid-client";
import { StartError } from "../errors.ts";

export type LoopbackSignIn = {
  /** The issuer, by its URL. */
  url: string;
  clientId: string;
  scope: string;
  resource?: string | undefined;
  /** Receives the address that the person opens in a browser. */
  onUrl: (url: string) => void;
};

const PAGE =
  "<!doctype html><html lang=en><title>Signed in</title><p>You are signed in. Go back to your terminal.</p></html>";

/** The person can take this long. The request at the service ends after ten minutes. */
const TIMEOUT_MS = 600_000;

/**
 * Signs a person in by a browser on this machine, as a public client with a loopback redirect URI without a port, such as
 * `http://127.0.0.1/callback` (RFC 8252 §7.3): authorization code with PKCE.
 */
export async function signInByLoopback(
  options: LoopbackSignIn,
): Promise<TokenEndpointResponse & TokenEndpointResponseHelpers> {
  const library = await import("openid-client").catch(() => {
    throw new StartError("openid-client is missing, which this command needs: npm install openid-client");
  });
  const { url, clientId, scope, resource, onUrl } = options;
  const isLocal = new URL(url).protocol === "http:";
  const configuration = await library.discovery(new URL(url), clientId, undefined, library.None(), {
    ...(isLocal && { execute: [library.allowInsecureRequests] }),
  });
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [verifier, state] = [library.randomPKCECodeVerifier(), library.randomState()];
    const parameters = {
      redirect_uri: `${origin}/callback`,
      scope,
      state,
      code_challenge: await library.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...(resource !== undefined && { resource }),
    };
    await refuseUnknownClient(library.buildAuthorizationUrl(configuration, { ...parameters, prompt: "none" }));
    onUrl(library.buildAuthorizationUrl(configuration, parameters).href);
    const answered = await answerOf(server, origin);
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: state,
      idTokenExpected: scope.split(" ").includes("openid"),
    };
    return await library.authorizationCodeGrant(configuration, answered, checks);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A browser would show why the service sends nobody back, and this command would wait for ever. */
async function refuseUnknownClient(url: URL): Promise<void> {
  const { status } = await fetch(url, { redirect: "manual" });
  if (status === 400)
    throw new StartError(
      "The service knows no such client with the redirect URI http://127.0.0.1/callback: mintmark clients list",
    );
  if (status >= 400) throw new StartError(`The service signs nobody in: it answers ${status}`);
}

/** The URL at which the browser comes back. Other requests, such as for an icon, are not answered by a page. */
function answerOf(server: ReturnType<typeof createServer>, origin: string): Promise<URL> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new StartError("Nobody signed in within ten minutes")), TIMEOUT_MS);
    server.on("request", (request, response) => {
      const url = new URL(request.url ?? "/", origin);
      if (url.pathname !== "/callback") return void response.writeHead(404).end();
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", connection: "close" }).end(PAGE, () => {
        clearTimeout(timer);
        resolve(url);
      });
    });
  });
}
