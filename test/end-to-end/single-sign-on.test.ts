import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { hasChromium, openPage } from "../support/browser.ts";
import { serveDocuments } from "../support/document-server.ts";
import { receiveLogouts } from "../support/logout-receiver.ts";
import { testWith } from "../support/optional.ts";
import { openServer } from "../support/service.ts";
import { decide, openSite, type Site, sessionCookie, signIn } from "../support/site.ts";
import { verdictOf } from "../support/verifier.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser is slow while other tests run. */
const TIMEOUT = { timeout: 60_000 };

/** The certificates of the sites are of their own making. */
const INSECURE = { insecure: true };

const systemClock = { clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never };

let server: Awaited<ReturnType<typeof openServer>>;
let shop: Site;
let bank: Site;
beforeAll(async () => {
  if (!hasChromium) return;
  server = await openServer(systemClock);
  shop = await openSite(server, "shop");
  bank = await openSite(server, "bank");
});
afterAll(async () => {
  for (const opened of [shop, bank, server]) await opened?.[Symbol.asyncDispose]();
});

describe("two sites that trust one issuer", TIMEOUT, () => {
  test("sign a person in once: the second one opens without a question", async () => {
    await using browser = await openPage(INSECURE);
    const { page: tab, faults } = browser;
    const first = await shop.begin(tab);
    expect(new URL(tab.url()).origin).toBe(server.url);
    await signIn(tab);
    const ofShop = await first.finish();
    const ofBank = await bank.enter(tab);
    const { sid, sub, auth_time } = claimsOf(ofShop);
    expect(claimsOf(ofBank)).toMatchObject({ sub, sid, auth_time, aud: bank.clientId });
    expect(await bank.verifier.verify(ofBank.access_token)).toMatchObject({ sub: "ada", sid });
    expect(claimsOf(await bank.enter(tab, { prompt: "none" }))).toMatchObject({ sid });
    expect(faults).toEqual([]);
  });

  test("sign nobody in without a session where the site asks for no page: login_required", async () => {
    await using browser = await openPage(INSECURE);
    const { finish, state } = await shop.begin(browser.page, { prompt: "none" });
    await expect(finish()).rejects.toMatchObject({ error: "login_required" });
    const { searchParams } = new URL(browser.page.url());
    expect(searchParams.getAll("iss")).toEqual([server.url]);
    expect(searchParams.getAll("state")).toEqual([state]);
  });

  test("sign a person in again where the site asks for it, in the same session", async () => {
    await using browser = await openPage(INSECURE);
    const { page: tab } = browser;
    const first = await shop.begin(tab);
    await signIn(tab);
    const { sid } = claimsOf(await first.finish());
    const cookie = await sessionCookie(tab);
    const again = await shop.begin(tab, { prompt: "login", login_hint: "ada" });
    expect(await tab.locator("#subject").inputValue()).toBe("ada");
    await tab.locator("button.primary").click();
    expect(claimsOf(await again.finish()).sid).toBe(sid);
    expect((await sessionCookie(tab))?.value).not.toBe(cookie?.value);
  });

  test("sign a person out everywhere: tokens, refresh tokens, the session, and who does not follow", async () => {
    await using forum = await receiveLogouts();
    await using third = await openSite(server, "forum", { backchannelLogoutUri: forum.url });
    await using browser = await openPage(INSECURE);
    await using later = await openPage(INSECURE);
    const { page: tab } = browser;
    const first = await shop.begin(tab);
    await signIn(tab);
    const ofShop = await first.finish();
    const ofBank = await bank.enter(tab);
    const { sid } = claimsOf(await third.enter(tab));
    const cookie = await sessionCookie(tab);
    expect(await verdictOf(bank.verifier.verify(ofBank.access_token))).toBe("accepted");

    const { id_token: id_token_hint = "" } = ofShop;
    const asked = { id_token_hint, post_logout_redirect_uri: shop.bye, state: "gone" };
    await tab.goto(openid.buildEndSessionUrl(shop.config, asked).href);
    expect(tab.url()).toBe(`${shop.bye}?state=gone`);
    for (const [site, { access_token }] of [[shop, ofShop] as const, [bank, ofBank] as const])
      await expect.poll(() => verdictOf(site.verifier.verify(access_token)), { interval: 5 }).toBe("token_revoked");
    const refreshed = openid.refreshTokenGrant(bank.config, ofBank.refresh_token ?? "");
    await expect(refreshed).rejects.toMatchObject({ error: "invalid_grant" });
    const [{ claims } = {}] = await forum.arrivals(1);
    expect(claims).toMatchObject({ iss: server.url, aud: third.clientId, sub: "ada", sid });

    expect(await sessionCookie(tab)).toBeUndefined();
    // P16: neither the value of the cookie nor the id of the session is used again.
    if (cookie !== undefined) await later.page.context().addCookies([cookie]);
    const next = await bank.begin(later.page);
    await signIn(later.page);
    expect(claimsOf(await next.finish()).sid).not.toBe(sid);
    expect((await sessionCookie(later.page))?.value).not.toBe(cookie?.value);
  });
});

describe("a site of another party", TIMEOUT, () => {
  test("P12: gets no code from a session without the consent of the person, who can deny, or allow once for all", async () => {
    await using other = await openSite(server, "other", { firstParty: false });
    await using browser = await openPage(INSECURE);
    const { page: tab } = browser;
    const first = await shop.begin(tab);
    await signIn(tab, "bob");
    await first.finish();
    const silent = await other.begin(tab, { prompt: "none" });
    await expect(silent.finish()).rejects.toMatchObject({ error: "consent_required" });

    const denied = await other.begin(tab);
    expect(new URL(tab.url()).origin).toBe(server.url);
    expect(await tab.locator(".host").textContent()).toBe(new URL(other.origin).host);
    await decide(tab, "deny");
    await expect(denied.finish()).rejects.toMatchObject({ error: "access_denied" });
    const allowed = await other.begin(tab);
    await decide(tab, "allow");
    expect(claimsOf(await allowed.finish())).toMatchObject({ sub: "bob" });
    expect(claimsOf(await other.enter(tab))).toMatchObject({ sub: "bob" });
    const { clientId } = other;
    await server.service.consents.revoke(localCaller, { subject: "bob", clientId });
    await other.begin(tab);
    await decide(tab, "deny");
  });
});

describe("a sign-in hook", TIMEOUT, () => {
  test("signs people in by the session of the application, whose time counts for max_age", async () => {
    const session = { signedInAt: Math.floor(Date.now() / 1000) - 60 };
    // Cookies of loopback are not separated by port: as an application on the host of the issuer.
    await using application = await serveDocuments((request, response) => {
      const back = new URL(request.url ?? "/", "http://app").searchParams.get("return_to") ?? "";
      response.writeHead(303, { location: back, "set-cookie": "user=carol; HttpOnly; SameSite=Lax; Path=/" }).end();
    });
    const asked: (number | undefined)[] = [];
    await using hooked = await openServer(systemClock, {
      signIn(request, { url, maxAge }) {
        asked.push(maxAge);
        const [, subject] = /\buser=(\w+)/.exec(request.headers.get("cookie") ?? "") ?? [];
        const login = `http://127.0.0.1:${application.port}/login?return_to=${encodeURIComponent(url)}`;
        return subject === undefined ? Response.redirect(login, 303) : { subject, authTime: session.signedInAt };
      },
    });
    await using site = await openSite(hooked, "app");
    await using browser = await openPage(INSECURE);
    const { page: tab } = browser;
    expect(claimsOf(await site.enter(tab))).toMatchObject({ sub: "carol", auth_time: session.signedInAt });
    await site.enter(tab, { max_age: "600" });
    expect(asked).toEqual([undefined, undefined]);
    // The session of the application is too old, and it did not ask the person again.
    const tooOld = await site.begin(tab, { max_age: "30" });
    await expect(tooOld.finish()).rejects.toMatchObject({ error: "login_required" });
    session.signedInAt += 60;
    expect(claimsOf(await site.enter(tab, { max_age: "30" }))).toMatchObject({ auth_time: session.signedInAt });
    expect(asked.slice(2)).toHaveLength(2);
    for (const maxAge of asked.slice(2)) expect(maxAge).toBeGreaterThanOrEqual(30);
  });
});

type Tokens = Awaited<ReturnType<Site["enter"]>>;

function claimsOf(tokens: Tokens): Record<string, unknown> {
  return { ...tokens.claims() };
}
