import { text } from "node:stream/consumers";
import * as openid from "openid-client";
import type { Page } from "playwright-core";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { certificateFor, serveByTls } from "./document-server.ts";
import { openRelyingParty } from "./relying-party.ts";

type Server = { url: string; service: Pick<TokenService, "clients"> };

/** Without an icon, the browser requests one. */
const BLANK = '<!doctype html><link rel="icon" href="data:,"><title>site</title>';

/**
 * A site below `localhost`, which browsers resolve to this machine: a relying party by openid-client, whose verifier follows the
 * feed. Its pages are `page`; `received` are the forms that arrived at its callback. Another name is another site to a browser.
 */
export async function openSite(server: Server, name: string, fields: Partial<NewClient> = {}) {
  const host = `${name}.localhost`;
  const received: string[] = [];
  const shown = { page: BLANK };
  const web = await serveByTls(async (request, response) => {
    if (request.method === "POST") received.push(await text(request));
    response.writeHead(200, { "content-type": "text/html" }).end(shown.page);
  }, certificateFor(host));
  const origin = `https://${host}:${web.port}`;
  const [callback, bye] = [`${origin}/callback`, `${origin}/bye`];
  const uris = { redirectUris: [callback], postLogoutRedirectUris: [bye] };
  const party = await openRelyingParty(server, { name, ...uris, ...fields });
  const verifier = createVerifier({ issuer: server.url, audience: server.url });
  await verifier.ready;

  return {
    ...party,
    ...{ host, origin, callback, bye, verifier, received },
    /** Shows this document on all pages of the site. */
    show(page: string) {
      shown.page = BLANK + page;
    },
    /** Begins a sign-in in a tab. The returned function waits for the browser to come back, and returns the tokens. */
    async begin(tab: Page, parameters: Record<string, string> = {}) {
      const pkceCodeVerifier = openid.randomPKCECodeVerifier();
      const state = openid.randomState();
      const url = openid.buildAuthorizationUrl(party.config, {
        redirect_uri: callback,
        scope: "openid",
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: "S256",
        state,
        ...parameters,
      });
      const { max_age: maxAge } = parameters;
      const checks = { pkceCodeVerifier, expectedState: state, ...(maxAge && { maxAge: Number(maxAge) }) };
      await tab.goto(url.href);
      const finish = async () => {
        await tab.waitForURL((url) => url.href.startsWith(callback));
        return openid.authorizationCodeGrant(party.config, new URL(tab.url()), checks);
      };
      /** The same for an answer by a form. */
      const finishForm = () =>
        openid.authorizationCodeGrant(
          party.config,
          new Request(callback, { method: "POST", body: new URLSearchParams(received.at(-1)) }),
          checks,
        );
      return { url: url.href, state, finish, finishForm };
    },
    /** The same for a browser that is not asked anything. */
    async enter(tab: Page, parameters: Record<string, string> = {}) {
      return (await this.begin(tab, parameters)).finish();
    },
    async [Symbol.asyncDispose]() {
      verifier.close();
      await web[Symbol.asyncDispose]();
    },
  };
}

export type Site = Awaited<ReturnType<typeof openSite>>;

/** Answers the page of development. */
export async function signIn(tab: Page, subject = "ada"): Promise<void> {
  await tab.locator("#subject").fill(subject);
  await tab.locator("button.primary").click();
}

/** The button of the consent page. */
export async function decide(tab: Page, decision: "allow" | "deny"): Promise<void> {
  await tab.locator(`button[value=${decision}]`).click();
}

/** The fields of the forms on a page. */
export async function fieldsOn(tab: Page): Promise<Record<string, string>> {
  const read = "Object.fromEntries(Array.from(document.querySelectorAll('input'), ({ name, value }) => [name, value]))";
  return (await tab.evaluate(read)) as Record<string, string>;
}

/** The cookie of the sign-in session. */
export async function sessionCookie(tab: Page) {
  const cookies = await tab.context().cookies();
  return cookies.find(({ name }) => /mintmark-session/.test(name));
}
