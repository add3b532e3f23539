import { randomBytes } from "node:crypto";
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";
import * as openid from "openid-client";
import type { Verifier } from "../../src/verifier/verifier.ts";

export type SiteOptions = {
  name: string;
  /** The site as a client of the issuer, by openid-client. */
  config: openid.Configuration;
  /** Follows the feed of the issuer. */
  verifier: Verifier;
  /** Where the browser comes back to after sign-in and after logout. */
  callback: string;
  bye: string;
};

type Session = { accessToken: string; idToken: string };

/** The prefix `__Host-` keeps other hosts from setting it. With `Lax` it comes along when the issuer sends the browser back. */
const COOKIE = { prefix: "host", secure: true, path: "/", httpOnly: true, sameSite: "Lax" } as const;

/** A site at which people sign in, and its sessions by the values of their cookies. */
export function createSite({ name, config, verifier, callback, bye }: SiteOptions) {
  const app = new Hono();
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
      // Without the issuer for too long, the verifier cannot say whether a token is revoked.
      if (verifier.state !== "live") throw error;
      sessions.delete(id);
      return signIn(c);
    }
  });

  app.get("/callback", async (c) => {
    // The cookie proves that the sign-in began in this browser.
    const [expectedState = "", pkceCodeVerifier = ""] = getCookie(c, "sign-in", "host")?.split(".") ?? [];
    const tokens = await openid.authorizationCodeGrant(config, new URL(c.req.url), { expectedState, pkceCodeVerifier });
    const id = randomBytes(32).toString("base64url");
    sessions.set(id, { accessToken: tokens.access_token, idToken: tokens.id_token ?? "" });
    setCookie(c, "session", id, COOKIE);
    return c.redirect("/");
  });

  app.post("/log-out", (c) => {
    const id = getCookie(c, "session", "host") ?? "";
    const { idToken } = sessions.get(id) ?? {};
    sessions.delete(id);
    deleteCookie(c, "session", COOKIE);
    const parameters = { post_logout_redirect_uri: bye, ...(idToken && { id_token_hint: idToken }) };
    return c.redirect(openid.buildEndSessionUrl(config, parameters).href, 303);
  });

  app.get("/bye", (c) => c.html(html`<h1>${name}: you are logged out, everywhere</h1>`));
  app.onError((_error, c) => c.html(html`<h1>${name}: that failed</h1><a href="/">Try again</a>`, 500));

  return { app, sessions };
}
