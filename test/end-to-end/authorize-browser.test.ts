import { describe, expect } from "vitest";
import { hasChromium, openPage } from "../support/browser.ts";
import { serveDocuments } from "../support/document-server.ts";
import { testWith } from "../support/optional.ts";
import { addWebClient, authorizationRequest } from "../support/people.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** Without it, the browser requests `/favicon.ico`. */
const NO_ICON = '<link rel="icon" href="data:,">';

/** A server, and a client on another site: `localhost` beside `127.0.0.1`. Its page `/post` has a form of the request. */
async function openSites(scripts: boolean) {
  const server = await openServer({ clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never });
  const received: URLSearchParams[] = [];
  let form = "";
  const application = await serveDocuments(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/callback")
      received.push(request.method === "POST" ? new URLSearchParams(Buffer.concat(parts).toString()) : searchParams);
    response.writeHead(200, { "content-type": "text/html" });
    response.end(NO_ICON + (pathname === "/post" ? form : ""));
  });
  const origin = `http://localhost:${application.port}`;
  const { clientId } = await addWebClient(server.service, { redirectUris: [`${origin}/callback`] });
  const { page: tab, faults, ...browser } = await openPage({ scripts });
  const parametersOf = (more: Record<string, string> = {}) => [
    ...authorizationRequest(clientId, { redirect_uri: `${origin}/callback`, ...more }).parameters,
  ];
  return {
    tab,
    faults,
    received,
    origin,
    authorize: (more?: Record<string, string>) =>
      tab.goto(`${server.url}/oauth/authorize?${new URLSearchParams(parametersOf(more))}`),
    async authorizeByPost(more?: Record<string, string>) {
      const inputs = parametersOf(more).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
      form = `<form method="post" action="${server.url}/oauth/authorize">${inputs.join("")}<button>Go</button></form>`;
      await tab.goto(`${origin}/post`);
      await tab.locator("button").click();
    },
    cookies: () => tab.context().cookies(server.url),
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await application[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("a client on another site", { timeout: 60_000 }, () => {
  for (const scripts of [true, false])
    test(`receives a code by every way that a browser can take; with scripts: ${scripts}`, async () => {
      await using sites = await openSites(scripts);
      const { tab, origin, received, faults } = sites;
      const code = { code: expect.stringMatching(/^[\w-]{49}$/), state: "xyz", iss: expect.any(String) };

      await sites.authorize({ scope: "openid" });
      await tab.locator("input[name=subject]").fill("ada");
      await tab.locator("button.primary").click();
      await tab.locator("button[value=allow]").click();
      await tab.waitForURL(`${origin}/callback?**`);
      const [session, key] = (await sites.cookies()).toSorted((a, b) => b.name.localeCompare(a.name));
      for (const cookie of [session, key])
        expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", domain: "127.0.0.1", expires: -1 });

      // The browser withholds its cookies from the POST, and sends them with what follows.
      await sites.authorizeByPost({ scope: "openid", prompt: "none" });
      await tab.waitForURL(`${origin}/callback?**`);

      await sites.authorize({ scope: "openid", response_mode: "form_post" });
      if (!scripts) await tab.locator("button").click();
      await tab.waitForURL(`${origin}/callback`);

      expect(received.map((parameters) => Object.fromEntries(parameters))).toEqual([code, code, code]);
      expect(faults).toEqual([]);
    });
});
