import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";
import * as openid from "openid-client";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { certificateFor } from "../../test/support/document-server.ts";

/** The fields of the client that a site is to its issuer. */
export type Registration = { name: string; redirectUris: string[]; postLogoutRedirectUris: string[] };
export type Credentials = { clientId: string; clientSecret: string };

export type SiteOptions = { issuer: string; register: (site: Registration) => Promise<Credentials> };

type Session = { accessToken: string; idToken: string };

/** The prefix keeps other hosts from setting it. `Lax`: it comes with the redirect of the issuer. */
const COOKIE = { prefix: "host", secure: true, path: "/", httpOnly: true, sameSite: "Lax" } as const;

/**
 * A site at which people sign in, on https and a name of its own: openid-client signs them in and out, and a verifier that follows
 * the feed says at each request whether the token is still good.
 */
export async function openSite(name: string, { issuer, register }: SiteOptions) {
  const app = new Hono();
  const host = `${name}.localhost`;
  const web = createServer(certificateFor(host), getRequestListener(app.fetch)).listen(0, "127.0.0.1");
  await once(web, "listening");
  const origin = `https://${host}:${(web.address() as AddressInfo).port}`;
  const [callback, bye] = [`${origin}/callback`, `${origin}/bye`];
  const client = await register({ name, redirectUris: [callback], postLogoutRedirectUris: [bye] });
  const authentication = openid.ClientSecretBasic(client.clientSecret);
  const http = { execute: [openid.allowInsecureRequests] }; // The issuer of the demonstration is on this machine.
  const config = await openid.discovery(new URL(issuer), client.clientId, undefined, authentication, http);
  const verifier = createVerifier({ issuer, audience: issuer });
  await verifier.ready;

  const state = { clickedAt: 0 };
  /** By the value of the cookie. */
  const sessions = new Map<string, Session>();
  async function signIn(c: Context) {
    const [state, pkceCodeVerifier] = [openid.randomState(), openid.randomPKCECodeVerifier()];
    setCookie(c, "sign-in", `${state}.${pkceCodeVerifier}`, COOKIE);
    const parameters = {
      redirect_uri: callback,
      scope: "openid",
      state,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    };
    return c.redirect(openid.buildAuthorizationUrl(config, parameters).href);
  }

  app.get("/", async (c) => {
    const id = getCookie(c, "session", "host") ?? "";
    const session = sessions.get(id);
    if (session === undefined) return signIn(c);
    try {
      const { sub } = await verifier.verify(session.accessToken);
      return c.html(html`<h1>${name}: hello, ${sub}</h1>
<form method="post" action="/log-out"><button>Log out</button></form>`);
    } catch (error) {
      // Without news of the issuer for too long, nothing is known of any token.
      if (verifier.state !== "live") throw error;
      sessions.delete(id);
      return signIn(c);
    }
  });

  app.get("/callback", async (c) => {
    // The cookie proves that the sign-in began in this browser.
    const [expectedState = "", pkceCodeVerifier = ""] = getCookie(c, "sign-in", "host")?.split(".") ?? [];
    const tokens = await openid.authorizationCodeGrant(config, new URL(c.req.url), { pkceCodeVerifier, expectedState });
    const id = randomBytes(32).toString("base64url");
    sessions.set(id, { accessToken: tokens.access_token, idToken: tokens.id_token ?? "" });
    setCookie(c, "session", id, COOKIE);
    return c.redirect("/");
  });

  app.post("/log-out", (c) => {
    state.clickedAt = performance.now();
    const id = getCookie(c, "session", "host") ?? "";
    const { idToken = "" } = sessions.get(id) ?? {};
    sessions.delete(id);
    deleteCookie(c, "session", COOKIE);
    const parameters = { id_token_hint: idToken, post_logout_redirect_uri: bye };
    return c.redirect(openid.buildEndSessionUrl(config, parameters).href, 303);
  });

  app.onError((_error, c) => c.html(html`<h1>${name}: that failed</h1><a href="/">Try again</a>`, 500));
  app.get("/bye", (c) => c.html(html`<h1>${name}: you are logged out, everywhere</h1>`));

  return {
    origin,
    verifier,
    state,
    /** The tokens of everybody who is signed in here. */
    tokens: () => [...sessions.values()].map(({ accessToken }) => accessToken),
    close() {
      verifier.close();
      web.closeAllConnections();
      web.close();
    },
  };
}

export type Site = Awaited<ReturnType<typeof openSite>>;
