import * as openid from "openid-client";
import { describe, expect } from "vitest";
import { hasChromium, openPage } from "../support/browser.ts";
import { serveDocuments } from "../support/document-server.ts";
import { testWith } from "../support/optional.ts";
import { openRelyingParty } from "../support/relying-party.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** An application on another site than the server, as browsers see it: `localhost` beside `127.0.0.1`. */
async function openApplication() {
  let logout = "";
  const documents = await serveDocuments(({ url }, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(url === "/logout" ? logout : '<link rel="icon" href="data:,">');
  });
  const origin = `http://localhost:${documents.port}`;
  return {
    ...documents,
    origin,
    /** Puts a form for a POST on the page `/logout`. */
    showForm(action: string, fields: Record<string, string>) {
      const inputs = Object.entries(fields).map(
        ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
      );
      logout = `<link rel="icon" href="data:,"><form method="post" action="${action}">${inputs.join("")}<button>Go</button></form>`;
    },
  };
}

describe("a relying party on another site", { timeout: 60_000 }, () => {
  for (const scripts of [true, false])
    test(`signs a person out by POST, although the browser withholds the cookie; with scripts: ${scripts}`, async () => {
      await using application = await openApplication();
      const { origin } = application;
      await using server = await openServer({
        clock: () => Math.floor(Date.now() / 1000),
        issuer: undefined as never,
      });
      const [redirect_uri, bye] = [`${origin}/callback`, `${origin}/bye`];
      const uris = { redirectUris: [redirect_uri], postLogoutRedirectUris: [bye] };
      const { config } = await openRelyingParty(server, uris);
      await using browser = await openPage({ scripts });
      const { page: tab } = browser;

      const pkceCodeVerifier = openid.randomPKCECodeVerifier();
      const code_challenge = await openid.calculatePKCECodeChallenge(pkceCodeVerifier);
      const asked = { redirect_uri, scope: "openid", code_challenge, code_challenge_method: "S256" };
      await tab.goto(openid.buildAuthorizationUrl(config, asked).href);
      await tab.locator("input[name=subject]").fill("ada");
      await tab.locator("form button.primary, form button").first().click();
      await tab.waitForURL(`${redirect_uri}?**`);
      const tokens = await openid.authorizationCodeGrant(config, new URL(tab.url()), { pkceCodeVerifier });
      const session = async () =>
        (await tab.context().cookies(server.url)).filter(({ name }) => name.startsWith("mintmark-session"));
      expect(await session()).toHaveLength(1);

      const fields = { id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: bye, state: "s" };
      application.showForm(`${server.url}/oauth/logout`, fields);
      await tab.goto(`${origin}/logout`);
      await tab.locator("button").click();
      // Without scripts, the person sends the form of our page.
      if (!scripts) await tab.locator("button.primary").click();
      await tab.waitForURL(`${bye}?state=s`);
      expect(await session()).toEqual([]);
      const verification = server.service.verifyToken({ token: tokens.access_token });
      await expect(verification).rejects.toMatchObject({ reason: "token_revoked" });
      expect(browser.faults).toEqual([]);
    });
});
