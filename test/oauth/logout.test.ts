import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { receiveLogouts } from "../support/logout-receiver.ts";
import { BYE, openRelyingParty, signInTo } from "../support/relying-party.ts";
import { openServer } from "../support/service.ts";
import { fieldsIn, openWebBrowser, type Visited } from "../support/web-browser.ts";

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer({ clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never });
});
afterAll(() => server[Symbol.asyncDispose]());

const isActive = (token: string) =>
  server.service.verifyToken({ token }).then(
    () => true,
    ({ reason }) => reason,
  );

/** Whether a request has ended the session: its cookie is gone, and its tokens are refused. */
async function expectEnded(shown: Visited, token: string) {
  expect(shown.setCookies).toEqual([
    expect.stringMatching(/^mintmark-session-\d+=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
  expect(await isActive(token)).toBe("token_revoked");
}

describe("a relying party by openid-client", () => {
  it("signs a person out: at once, at all clients of the session, and gets the browser back", async () => {
    await using other = await receiveLogouts();
    const shop = await openRelyingParty(server);
    const forum = await openRelyingParty(server, { name: "Forum", backchannelLogoutUri: other.url });
    const browser = openWebBrowser({ server });
    const tokens = await signInTo(shop, browser);
    const ofForum = await signInTo(forum, browser);
    expect(await isActive(tokens.access_token)).toBe(true);
    const id_token_hint = tokens.id_token ?? "";
    const parameters = { id_token_hint, post_logout_redirect_uri: BYE, state: "a b" };
    const url = openid.buildEndSessionUrl(shop.config, parameters);
    expect(url.href.startsWith(`${server.url}/oauth/logout?`)).toBe(true);
    const shown = await browser.get(url.href);
    expect(shown).toMatchObject({ status: 303, location: `${BYE}?state=a%20b` });
    await expectEnded(shown, tokens.access_token);
    expect(await isActive(ofForum.access_token)).toBe("token_revoked");
    const [{ claims } = {}] = await other.arrivals(1);
    expect(claims).toMatchObject({ aud: forum.clientId, sub: "ada", sid: ofForum.claims()?.sid });
    // P16: a new session has another id.
    const next = await signInTo(shop, browser);
    expect(next.claims()?.sid).not.toBe(tokens.claims()?.sid);
  });

  it("signs a person out by POST, which comes without cookies: a page of this server repeats it", async () => {
    const shop = await openRelyingParty(server);
    const browser = openWebBrowser({ server });
    const tokens = await signInTo(shop, browser);
    const form = { id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: BYE, state: "s" };
    const page = await browser.postFrom("https://app.example", "/oauth/logout", form);
    expect(page).toMatchObject({ status: 200, location: "" });
    expect(page.text).toContain(`action="${server.url}/oauth/logout"`);
    expect(await isActive(tokens.access_token)).toBe(true);
    const shown = await browser.post("/oauth/logout", fieldsIn(page));
    expect(shown).toMatchObject({ status: 303, location: `${BYE}?state=s` });
    await expectEnded(shown, tokens.access_token);
  });
});

describe("P38: a link or a form on another site", () => {
  it("signs nobody out without the id_token of the session: a page asks", async () => {
    const shop = await openRelyingParty(server);
    const browser = openWebBrowser({ server });
    const tokens = await signInTo(shop, browser);
    const asked = { client_id: shop.clientId, post_logout_redirect_uri: BYE };
    for (const path of ["/oauth/logout", `/oauth/logout?${new URLSearchParams(asked)}`]) {
      expect(await browser.get(path)).toMatchObject({ status: 200, setCookies: [] });
      expect(await browser.get(`${path}${path.includes("?") ? "&" : "?"}repeated=1&token=x`)).toMatchObject({
        status: 200,
      });
    }
    const repeated = { ...asked, repeated: "1", token: "x".repeat(43) };
    // Not a redirect to the client, as if the session had ended: it is repeated with the cookies, and a page demands a confirmation.
    const again = await browser.postFrom("https://evil.example", "/oauth/logout", repeated);
    expect(again).toMatchObject({ status: 200, location: "", setCookies: [] });
    expect(again.text).toContain(`action="${server.url}/oauth/logout"`);
    const confirmation = await browser.post("/oauth/logout", fieldsIn(again));
    expect(confirmation).toMatchObject({ status: 200, setCookies: [] });
    expect(fieldsIn(confirmation)).toMatchObject(asked);
    expect(await browser.post("/oauth/logout", repeated)).toMatchObject({ status: 200, setCookies: [] });
    expect(await isActive(tokens.access_token)).toBe(true);

    const page = await browser.get(`/oauth/logout?${new URLSearchParams(asked)}`);
    expect(page.text).toContain("Shop");
    expect(fieldsIn(page)).toEqual({ ...asked, token: expect.stringMatching(/^[\w-]{43}$/) });
    const shown = await browser.post("/oauth/logout", fieldsIn(page));
    expect(shown).toMatchObject({ status: 303, location: BYE });
    await expectEnded(shown, tokens.access_token);
  });

  it("does not take the token of its form from the address", async () => {
    const shop = await openRelyingParty(server);
    const browser = openWebBrowser({ server });
    const { access_token } = await signInTo(shop, browser);
    const fields = fieldsIn(await browser.get("/oauth/logout"));
    expect(await browser.get(`/oauth/logout?${new URLSearchParams(fields)}`)).toMatchObject({
      status: 200,
      setCookies: [],
    });
    expect(await isActive(access_token)).toBe(true);
    await expectEnded(await browser.post("/oauth/logout", fields), access_token);
  });

  it("leads to no URI that is not registered", async () => {
    const shop = await openRelyingParty(server);
    const browser = openWebBrowser({ server });
    const { id_token: id_token_hint = "", access_token } = await signInTo(shop, browser);
    const asked = { id_token_hint, post_logout_redirect_uri: "https://evil.example/", state: "s" };
    const shown = await browser.get(`/oauth/logout?${new URLSearchParams(asked)}`);
    expect(shown).toMatchObject({ status: 200, location: "" });
    expect(shown.text).not.toContain("evil.example");
    await expectEnded(shown, access_token);
  });
});

describe("the logout endpoint", () => {
  it.each([
    ["a repeated parameter", "state=a&state=b"],
    ["a malformed escape", "state=%ZZ"],
  ])("answers %s by a page with status 400", async (_, query) => {
    expect(await openWebBrowser({ server }).get(`/oauth/logout?${query}`)).toMatchObject({ status: 400 });
  });

  it("answers a browser without a session by a page, as a page that nothing frames or stores", async () => {
    const shown = await openWebBrowser({ server }).get("/oauth/logout");
    expect(shown).toMatchObject({ status: 200, setCookies: [] });
    expect(shown.headers["cache-control"]).toBe("no-store");
    expect(shown.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(shown.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("is in the OpenID metadata, and not in that of a service with a shared secret", async () => {
    const metadata = await (await fetch(`${server.url}/.well-known/openid-configuration`)).json();
    expect(metadata).toMatchObject({
      end_session_endpoint: `${server.url}/oauth/logout`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      device_authorization_endpoint: `${server.url}/oauth/device`,
    });
    expect(metadata).toHaveProperty(
      "grant_types_supported",
      expect.arrayContaining(["urn:ietf:params:oauth:grant-type:device_code"]),
    );
    await using programs = await openServer({ secret: "a secret of at least 32 characters" });
    for (const path of ["/oauth/logout", "/device", "/oauth/device", "/.well-known/openid-configuration"])
      expect((await fetch(programs.url + path)).status).toBe(404);
  });
});
