import * as openid from "openid-client";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { Credentials } from "./call-as.ts";
import { addClient } from "./clients.ts";
import type { WebBrowser } from "./web-browser.ts";

export const CALLBACK = "https://app.example/callback";
export const BYE = "https://app.example/bye";

type Server = { url: string; service: Pick<TokenService, "clients"> };

/** A relying party by openid-client, which has discovered the server. */
export async function openRelyingParty({ url, service }: Server, fields: Partial<NewClient> = {}) {
  const uris = { redirectUris: [CALLBACK], postLogoutRedirectUris: [BYE] };
  const client = await addClient(service, { name: "Shop", firstParty: true, ...uris, ...fields });
  return { ...client, config: await discover(url, client) };
}

/** The configuration of openid-client for a client of an issuer. */
export async function discover(issuer: string, { clientId, clientSecret }: Credentials) {
  const by = openid.ClientSecretBasic(clientSecret);
  const options = { execute: [openid.allowInsecureRequests] };
  return openid.discovery(new URL(issuer), clientId, undefined, by, options);
}

/** Signs a person in to a relying party, on the page of development unless there is a session. Returns the tokens. */
export async function signInTo(
  { config }: Pick<Awaited<ReturnType<typeof openRelyingParty>>, "config">,
  browser: WebBrowser,
  scope = "openid",
) {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state,
  });
  const shown = await browser.follow(await browser.get(url.href));
  const { location } = shown.location === "" ? await browser.signIn(shown) : shown;
  return openid.authorizationCodeGrant(config, new URL(location), { pkceCodeVerifier, expectedState: state });
}
