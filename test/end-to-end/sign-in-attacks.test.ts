import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createRequestHandler } from "../../src/http/server.ts";
import { type Attacked, openAttacked, plant } from "../support/attacker.ts";
import { hasChromium, openPage } from "../support/browser.ts";
import { certificateFor, serveByTls } from "../support/document-server.ts";
import { testWith } from "../support/optional.ts";
import { addWebClient, authorizationRequest } from "../support/people.ts";
import { freePort } from "../support/process.ts";
import { openRelyingParty } from "../support/relying-party.ts";
import { openService } from "../support/service.ts";
import { decide, fieldsOn, sessionCookie, signIn } from "../support/site.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser is slow while other tests run. */
const TIMEOUT = { timeout: 60_000 };

let attacked: Attacked;
beforeAll(async () => {
  if (hasChromium) attacked = await openAttacked();
});
afterAll(() => attacked?.[Symbol.asyncDispose]());

describe("the consent page", TIMEOUT, () => {
  test("P6: is about what was asked first, whatever comes with its handle later", async () => {
    const { forum, evil, continueUrl, consentsOf } = attacked;
    await using browser = await attacked.openSignedIn("p6");
    const { tab } = browser;
    const begun = await forum.begin(tab);
    const { handle } = await fieldsOn(tab);
    const { clientId: client_id, callback: redirect_uri } = evil;
    const forged = { client_id, redirect_uri, scope: "openid email", state: "forged", prompt: "none" };
    await tab.goto(`${continueUrl(handle)}&${new URLSearchParams(forged)}`);
    expect(await tab.locator(".host").textContent()).toBe(new URL(forum.origin).host);
    const add = (name: string, value: string) =>
      `document.forms[0].append(Object.assign(document.createElement("input"), ${JSON.stringify({ name, value })}))`;
    for (const [name, value] of Object.entries(forged)) await tab.evaluate(add(name, value));
    await decide(tab, "allow");
    expect(await begun.finish()).toMatchObject({ scope: "openid" });
    expect(await consentsOf("p6")).toEqual([forum.clientId]);
  });

  test("P13: is shown to no other browser, and takes no answer from there", async () => {
    const { evil, url, continueUrl, consentsOf } = attacked;
    await using mallory = await attacked.openSignedIn("mallory");
    await using victim = await attacked.openSignedIn("p13");
    const begun = await evil.begin(mallory.tab);
    const { handle = "", token = "" } = await fieldsOn(mallory.tab);
    expect((await victim.tab.goto(continueUrl(handle)))?.status()).toBe(400);
    expect(await victim.tab.locator("form").count()).toBe(0);
    // By a page of this server, so that Origin and SameSite stop nothing.
    await evil.begin(victim.tab);
    const set = (name: string, value: string) =>
      `document.querySelector("[name=${name}]").value = ${JSON.stringify(value)}`;
    for (const [name, value] of Object.entries({ handle, token })) await victim.tab.evaluate(set(name, value));
    await decide(victim.tab, "allow");
    expect(victim.tab.url()).toBe(`${url}/oauth/continue`);
    expect(await consentsOf("p13")).toEqual([]);
    await decide(mallory.tab, "allow");
    expect((await begun.finish()).claims()?.sub).toBe("mallory");
  });

  test("P14: is in no frame of another site", async () => {
    const { forum, evil, url, continueUrl } = attacked;
    await using browser = await attacked.openSignedIn("p14 frame");
    const { tab } = browser;
    const begun = await forum.begin(tab);
    const { handle } = await fieldsOn(tab);
    const framed = [begun.url, continueUrl(handle), `${url}/oauth/logout`, `${url}/device`];
    evil.show(framed.map((src) => `<iframe src="${src.replaceAll("&", "&amp;")}"></iframe>`).join(""));
    await tab.goto(evil.origin);
    const [, ...frames] = tab.frames();
    const shown = await Promise.all(frames.map((frame) => frame.evaluate("location.href")));
    expect(shown).toEqual(framed.map(() => "chrome-error://chromewebdata/"));
  });

  test("P14: is decided by no form of another site, not even with its token", async () => {
    const { forum, continueUrl, consentsOf } = attacked;
    await using browser = await attacked.openSignedIn("p14 form");
    const { tab } = browser;
    const begun = await forum.begin(tab);
    const { handle = "", token = "" } = await fieldsOn(tab);
    const sent = await attacked.sendFromEvil(tab, "/oauth/continue", { handle, token, decision: "allow" });
    expect(sent).toEqual({ status: 403, cookie: null });
    expect(await consentsOf("p14 form")).toEqual([]);
    await tab.goto(continueUrl(handle));
    await decide(tab, "deny");
    await expect(begun.finish()).rejects.toMatchObject({ error: "access_denied" });
  });

  test("P14: is not cached: after the decision, the back button leads to a new question", async () => {
    await using browser = await attacked.openSignedIn("p14 back");
    const { tab } = browser;
    const begun = await attacked.forum.begin(tab);
    const { handle } = await fieldsOn(tab);
    await decide(tab, "deny");
    await expect(begun.finish()).rejects.toMatchObject({ error: "access_denied" });
    await tab.goBack();
    const again = await fieldsOn(tab);
    expect(again.handle).toMatch(/^[\w-]{43}$/);
    expect(again.handle).not.toBe(handle);
  });

  test("P15: decides nothing without a pending request, such as in a second tab", async () => {
    const { forum, url, continueUrl, consentsOf } = attacked;
    await using browser = await attacked.openSignedIn("p15");
    const { tab } = browser;
    const begun = await forum.begin(tab);
    const { handle } = await fieldsOn(tab);
    const second = await tab.context().newPage();
    await second.goto(continueUrl(handle));
    // Only the front tab renders frames, which a click needs.
    await tab.bringToFront();
    await decide(tab, "deny");
    await expect(begun.finish()).rejects.toMatchObject({ error: "access_denied" });
    await second.bringToFront();
    await decide(second, "allow");
    expect(second.url()).toBe(`${url}/oauth/continue`);
    expect(await second.locator("form").count()).toBe(0);
    expect(await consentsOf("p15")).toEqual([]);
  });
});

describe("the sign-in session", TIMEOUT, () => {
  test("P16: is never the one that was planted before the sign-in", async () => {
    const { shop, url, sessionName } = attacked;
    await using mallory = await attacked.openSignedIn("mallory");
    for (const value of [mallory.cookie, "A".repeat(43)]) {
      await using victim = await openPage({ insecure: true });
      const { page: tab } = victim;
      await plant(tab, { url, name: sessionName, value });
      const begun = await shop.begin(tab, { prompt: "login" });
      await signIn(tab, "victim");
      expect((await begun.finish()).claims()?.sub).toBe("victim");
      expect((await sessionCookie(tab))?.value).toMatch(/^[\w-]{43}$/);
      expect((await sessionCookie(tab))?.value).not.toBe(value);
    }
    const outside = await shop.begin(mallory.tab, { prompt: "none" });
    await expect(outside.finish()).rejects.toMatchObject({ error: "login_required" });
  });

  test("P38: ends by no link, image or form of another site: a page asks", async () => {
    const { shop, evil, url } = attacked;
    await using mallory = await attacked.openSignedIn("mallory");
    const { id_token: id_token_hint = "" } = await shop.enter(mallory.tab);
    await using browser = await attacked.openSignedIn("p38");
    const { tab, isSignedIn } = browser;
    const asked = { client_id: shop.clientId, post_logout_redirect_uri: shop.bye, id_token_hint };
    const link = `${url}/oauth/logout?${new URLSearchParams(asked)}`.replaceAll("&", "&amp;");
    evil.show(`<img src="${link}"><a href="${link}">a</a>`);
    await tab.goto(evil.origin);
    await tab.getByRole("link").click();
    await tab.getByRole("button").waitFor();
    expect(await isSignedIn()).toBe(true);
    const fields = { ...asked, repeated: "1", token: "x".repeat(43) };
    expect(await attacked.sendFromEvil(tab, "/oauth/logout", fields)).toMatchObject({ cookie: null });
    expect(await isSignedIn()).toBe(true);
    const unasked = { client_id: shop.clientId, post_logout_redirect_uri: evil.bye };
    expect(await attacked.sendFromEvil(tab, "/oauth/logout", unasked)).toMatchObject({ cookie: null });
    expect(tab.url()).toBe(`${url}/oauth/logout`);
    expect(await isSignedIn()).toBe(true);

    await tab.getByRole("button").click();
    await tab.waitForLoadState();
    expect(tab.url()).toBe(`${url}/oauth/logout`);
    expect(await isSignedIn()).toBe(false);
  });

  test("P14: takes no user code of a device from a form of another site", async () => {
    const { url } = attacked;
    const device = await openRelyingParty(attacked.server, { grants: ["authorization_code", "device_code"] });
    await using browser = await attacked.openSignedIn("device");
    const { tab } = browser;
    const { user_code } = await openid.initiateDeviceAuthorization(device.config, { scope: "openid" });
    await tab.goto(`${url}/device`);
    const { token = "" } = await fieldsOn(tab);
    expect(await attacked.sendFromEvil(tab, "/device", { user_code, token })).toEqual({ status: 403, cookie: null });
  });

  test("has cookies that no page can read, and answers that no other site can read", async () => {
    const { shop, forum, evil, url, sessionName } = attacked;
    await using browser = await openPage({ insecure: true });
    const { page: tab } = browser;
    const begun = await shop.begin(tab);
    const cookies = await tab.context().cookies();
    await signIn(tab);
    const { access_token } = await begun.finish();
    const { url: link } = await forum.begin(tab);
    expect(await tab.evaluate("document.cookie")).toBe("");
    cookies.push(...(await tab.context().cookies()));
    expect(cookies.map(({ name }) => name)).toContain(sessionName);
    for (const cookie of cookies)
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", domain: "127.0.0.1", expires: -1 });

    evil.show("");
    await tab.goto(evil.origin);
    const read = (target: string, init: object) =>
      tab.evaluate(
        `fetch(${JSON.stringify(target)}, ${JSON.stringify(init)}).then(({ type }) => type, ({ name }) => name)`,
      );
    const authorization = `Bearer ${access_token}`;
    for (const [target, init] of [
      [link, { credentials: "include" }],
      [`${url}/oauth/logout`, { credentials: "include" }],
      [`${url}/device`, { credentials: "include" }],
      [`${url}/oauth/userinfo`, { headers: { authorization } }],
    ] as const)
      expect([target, await read(target, init)]).toEqual([target, "TypeError"]);
    // So nothing else stopped it.
    expect(await read(`${url}/device`, { mode: "no-cors" })).toBe("opaque");
    expect(await read(`${url}/.well-known/openid-configuration`, {})).toBe("cors");
  });

  test("has cookies with __Host- and Secure at an https issuer", async () => {
    const port = Number(await freePort());
    const host = "id.localhost";
    const origin = `https://${host}:${port}`;
    await using opened = await openService({ issuer: origin });
    const listener = createRequestHandler(opened.service, { signIn: () => ({ subject: "ada" }) });
    await using _web = await serveByTls(listener, { ...certificateFor(host), port });
    const { callback } = attacked.shop;
    const { clientId } = await addWebClient(opened.service, { firstParty: true, redirectUris: [callback] });
    await using browser = await openPage({ insecure: true });
    const { page: tab } = browser;
    const { parameters } = authorizationRequest(clientId, { redirect_uri: callback });
    await tab.goto(`${origin}/oauth/authorize?${new URLSearchParams([...parameters])}`);
    expect(tab.url()).toContain(`${callback}?code=`);
    const cookies = await tab.context().cookies();
    expect(cookies.map(({ name }) => name).sort()).toEqual(["__Host-mintmark-key", "__Host-mintmark-session"]);
    for (const cookie of cookies)
      expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax", domain: host, path: "/" });
  });
});

describe("an answer by a form", TIMEOUT, () => {
  for (const scripts of [true, false])
    test(`reaches the site ${scripts ? "by itself" : "by a button, without JavaScript"}`, async () => {
      const { shop, url } = attacked;
      await using browser = await attacked.openSignedIn("form post", { scripts });
      const { tab } = browser;
      const { finishForm } = await shop.begin(tab, { response_mode: "form_post" });
      if (!scripts) await tab.locator("form button").click();
      await tab.waitForURL(shop.callback);
      const tokens = await finishForm();
      expect(tokens.claims()).toMatchObject({ sub: "form post" });
      const form = new URLSearchParams(shop.received.at(-1));
      expect([...form.keys()].sort()).toEqual(["code", "iss", "state"]);
      expect(form.get("iss")).toBe(url);
    });
});
