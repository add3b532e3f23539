import { describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import {
  addWebClient,
  authorizationRequest,
  codeFor,
  codeIn,
  expectStep,
  openBrowser,
  openPeople,
  REDIRECT_URI,
} from "../../support/people.ts";
import { ISSUER, NOW, openService } from "../../support/service.ts";

describe("an authorization", () => {
  it("asks who the person is and what they agree to, and sends a code to the client", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const request = authorizationRequest(clientId, { scope: "openid orders:read", login_hint: "ada@example.org" });
    const asked = expectStep(await browser.begin(request), "sign_in");
    expect(asked).toEqual({
      step: "sign_in",
      handle: expect.stringMatching(/^[\w-]{43}$/),
      token: expect.any(String),
      url: `${ISSUER}/oauth/continue?handle=${asked.handle}`,
      client: { clientId, name: "shop" },
      loginHint: "ada@example.org",
    });
    const consent = expectStep(await browser.accept(asked.handle, "ada"), "consent");
    expect(consent).toMatchObject({
      handle: asked.handle,
      subject: "ada",
      client: { clientId, name: "shop" },
      host: "shop.example",
      resources: [{ audience: ISSUER, name: ISSUER }],
      scopes: [{ name: "openid" }, { name: "orders:read" }],
    });
    const answer = expectStep(await browser.decide(consent.handle, consent.token), "redirect");
    expect(answer).toEqual({
      step: "redirect",
      redirectUri: REDIRECT_URI,
      responseMode: "query",
      parameters: { code: expect.stringMatching(/^[\w-]{49}$/), state: "xyz", iss: ISSUER },
    });
  });

  it("asks nothing where the person is signed in and has agreed", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const request = authorizationRequest(clientId, { scope: "openid orders:read" });
    await codeFor(browser, request);
    expect(codeIn(await browser.begin(request))).toMatch(/^[\w-]{49}$/);
    expect(codeIn(await browser.begin(authorizationRequest(clientId, { scope: "openid" })))).toBeDefined();
    const more = authorizationRequest(clientId, { scope: "orders:read orders:write" });
    expect((await browser.begin(more)).step).toBe("consent");
  });

  it("asks nobody about a first-party client", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { browser, clientId } = opened;
    const asked = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    expect(codeIn(await browser.accept(asked.handle, "ada"))).toBeDefined();
    expect(codeIn(await browser.begin(authorizationRequest(clientId)))).toBeDefined();
  });

  it("does not take a session for consent (P12)", async () => {
    await using opened = await openPeople();
    const { service, browser, clientId } = opened;
    await codeFor(browser, authorizationRequest(clientId));
    const other = await addWebClient(service, { name: "other", redirectUris: ["https://other.example/cb"] });
    const request = authorizationRequest(other.clientId, { redirect_uri: "https://other.example/cb" });
    expect((await browser.begin(request)).step).toBe("consent");
  });

  it("asks again where the code goes to another host of the same client", async () => {
    await using opened = await openService();
    const redirectUris = [REDIRECT_URI, "https://elsewhere.example/callback"];
    const { clientId } = await addWebClient(opened.service, { redirectUris });
    const browser = openBrowser(opened.service);
    await codeFor(browser, authorizationRequest(clientId));
    const request = authorizationRequest(clientId, { redirect_uri: redirectUris[1] });
    expect(expectStep(await browser.begin(request), "consent").host).toBe("elsewhere.example");
  });

  it("goes on only in the browser that began (P13)", async () => {
    await using opened = await openPeople();
    const { service, browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const other = openBrowser(service);
    await codeFor(other, authorizationRequest(clientId));
    for (const step of [
      other.resume(handle),
      other.accept(handle, "eve"),
      other.refuse(handle),
      other.decide(handle, "x"),
    ])
      expect(await step).toEqual({ step: "refused", reason: "other_browser" });
    expect((await browser.resume(handle)).step).toBe("sign_in");
  });

  it("takes no decision without the token of the page (P14), nor a second one", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const { token } = expectStep(await browser.accept(handle, "ada"), "consent");
    for (const forged of ["", "x", token.slice(1), `${token}x`])
      expect((await browser.decide(handle, forged)).step, forged).toBe("consent");
    codeIn(await browser.decide(handle, token));
    expect(await browser.decide(handle, token)).toEqual({ step: "refused", reason: "expired" });
    expect(await browser.resume(handle)).toEqual({ step: "refused", reason: "expired" });
  });

  it("takes the decision of the person who saw the page alone", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const { token } = expectStep(await browser.accept(handle, "ada"), "consent");
    const second = expectStep(await browser.begin(authorizationRequest(clientId, { prompt: "login" })), "sign_in");
    await browser.accept(second.handle, "bob");
    expect(expectStep(await browser.decide(handle, token), "consent").subject).toBe("bob");
  });

  it.each([
    ["prompt=none", { prompt: "none" }, "login_required"],
    ["a person who refuses", {}, "access_denied"],
  ])("answers the client at %s", async (_name, more, error) => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    let step = await browser.begin(authorizationRequest(clientId, more));
    if (step.step === "sign_in") step = await browser.accept(step.handle, "ada");
    if (step.step === "consent") step = await browser.decide(step.handle, step.token, false);
    expect(expectStep(step, "redirect").parameters).toMatchObject({ error, state: "xyz", iss: ISSUER });
    const { records } = await opened.service.audit.list(localCaller, { limit: 3 });
    if (error === "access_denied") expect(records[0]).toMatchObject({ action: "authorize", outcome: "refused" });
  });

  it("has consent_required at prompt=none for a client that the person never met", async () => {
    await using opened = await openPeople();
    const { service, browser, clientId } = opened;
    await codeFor(browser, authorizationRequest(clientId));
    const other = await addWebClient(service, { name: "other" });
    const step = await browser.begin(authorizationRequest(other.clientId, { prompt: "none" }));
    expect(expectStep(step, "redirect").parameters).toMatchObject({ error: "consent_required" });
  });

  it("asks who the person is while a clock is ten days ahead, and not once it is right again", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { browser, clientId, clock } = opened;
    const request = authorizationRequest(clientId);
    await codeFor(browser, request);
    const { session } = browser.cookies;
    clock.now = NOW + 10 * 86_400;
    expectStep(await browser.begin(request), "sign_in");
    expect(browser.cookies.session).toBe(session);
    clock.now = NOW;
    codeIn(await browser.begin(request));
  });

  it.each([{ prompt: "login" }, { prompt: "select_account" }, { max_age: "0" }])(
    "signs in again at %j",
    async (more) => {
      await using opened = await openPeople({ firstParty: true });
      const { browser, clientId, clock } = opened;
      await codeFor(browser, authorizationRequest(clientId));
      const asked = expectStep(await browser.begin(authorizationRequest(clientId, more)), "sign_in");
      expect(asked).toMatchObject({ maxAge: 0, login: true });
      clock.now += 20;
      expect(expectStep(await browser.resume(asked.handle), "sign_in").maxAge).toBe(20);
      expect(codeIn(await browser.accept(asked.handle, "ada", { authTime: NOW + 10 }))).toBeDefined();
    },
  );

  it("accepts no sign-in that is older than the request allows (P36)", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { browser, clientId, clock } = opened;
    await codeFor(browser, authorizationRequest(clientId));
    clock.now += 100;
    codeIn(await browser.begin(authorizationRequest(clientId, { max_age: "100" })));
    const asked = expectStep(await browser.begin(authorizationRequest(clientId, { max_age: "99" })), "sign_in");
    const late = await browser.accept(asked.handle, "ada", { authTime: NOW });
    expect(expectStep(late, "redirect").parameters).toMatchObject({ error: "login_required" });
    // The larger bound does not hide the smaller one.
    const both = { max_age: "1000", prompt: "login" };
    expect((await browser.begin(authorizationRequest(clientId, both))).step).toBe("sign_in");
  });

  it("has a new session cookie after every sign-in, and one sid for one person in one browser (P16)", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { service, store, browser, clientId } = opened;
    const cookies: (string | undefined)[] = [];
    const sids: (string | undefined)[] = [];
    for (const subject of ["ada", "ada", "bob", "ada"]) {
      const asked = expectStep(await browser.begin(authorizationRequest(clientId, { prompt: "login" })), "sign_in");
      await browser.accept(asked.handle, subject);
      cookies.push(browser.cookies.session);
      sids.push((await store.listSignIns({ subject, now: NOW, limit: 9 })).at(0)?.sid);
    }
    expect(new Set(cookies).size).toBe(4);
    expect(new Set(sids).size).toBe(3);
    expect(sids[0]).toBe(sids[1]);
    const stolen = openBrowser(service);
    stolen.cookies.session = cookies[0];
    expect((await stolen.begin(authorizationRequest(clientId))).step).toBe("sign_in");
  });

  it("takes a sign-in for a new one also at a server whose clock is behind that of the one that asked", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { browser, clientId, clock } = opened;
    for (const parameters of [{ prompt: "login" }, { max_age: "0" }, { prompt: "login" }]) {
      const asked = expectStep(await browser.begin(authorizationRequest(clientId, parameters)), "sign_in");
      clock.now -= 30;
      codeIn(await browser.accept(asked.handle, "ada"));
    }
  });

  it("forgets a request after ten minutes", async () => {
    await using opened = await openPeople();
    const { browser, clientId, clock } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    clock.now += 600;
    expect(await browser.resume(handle)).toEqual({ step: "refused", reason: "expired" });
  });

  it("asks for a new sign-in at prompt=login also where the request came without cookies", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { service, browser, clientId, clock } = opened;
    await codeFor(browser, authorizationRequest(clientId));
    for (const skew of [0, 30]) {
      clock.now -= skew;
      const { session, key } = browser.cookies;
      Object.assign(browser.cookies, { session: undefined, key: undefined });
      const request = authorizationRequest(clientId, { prompt: "login" });
      const { url } = expectStep(await browser.begin(request, { withheld: true }), "continue");
      const isSet = browser.cookies.key !== undefined;
      Object.assign(browser.cookies, { session, key });
      const handle = new URL(url).searchParams.get("handle") ?? "";
      const next = expectStep(await browser.resume(handle), "continue");
      expect([isSet, new URL(next.url).pathname]).toEqual([false, "/oauth/continue"]);
      expect((await browser.resume(new URL(next.url).searchParams.get("handle") ?? "")).step).toBe("sign_in");
      expect(await openBrowser(service).resume(handle)).toEqual({ step: "refused", reason: "expired" });
    }
  });

  it("leaves the requests of a browser to it when another site sends one (POST without cookies)", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const consent = expectStep(await browser.accept(handle, "ada"), "consent");
    const { session, key } = browser.cookies;
    Object.assign(browser.cookies, { session: undefined, key: undefined });
    await browser.begin(authorizationRequest(clientId), { withheld: true });
    // A browser keeps what is set in place of what it withheld.
    browser.cookies.session ??= session;
    browser.cookies.key ??= key;
    codeIn(await browser.decide(consent.handle, consent.token));
  });

  it("keeps a request that came without cookies, and goes on when the browser comes back", async () => {
    await using opened = await openPeople({ firstParty: true });
    const { browser, clientId } = opened;
    await codeFor(browser, authorizationRequest(clientId));
    for (const prompt of [undefined, "none"]) {
      const step = expectStep(
        await browser.begin(authorizationRequest(clientId, { prompt }), { withheld: true }),
        "continue",
      );
      expect(codeIn(await browser.resume(new URL(step.url).searchParams.get("handle") ?? ""))).toBeDefined();
    }
  });

  it("grants at most what the person may", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const request = authorizationRequest(clientId, { scope: "openid orders:read orders:write" });
    const asked = expectStep(await browser.begin(request), "sign_in");
    const consent = expectStep(await browser.accept(asked.handle, "ada", { scope: "orders:read" }), "consent");
    expect(consent.scopes.map(({ name }) => name)).toEqual(["openid", "orders:read"]);
    const none = await browser.begin(authorizationRequest(clientId, { scope: "orders:write" }));
    expect(expectStep(none, "redirect").parameters).toMatchObject({ error: "access_denied" });
  });

  it.each([
    [{ subject: "" }, "subject"],
    [{ subject: "a\u0000" }, "subject"],
    [{ authTime: NOW + 3600 }, "authTime"],
    [{ scope: "a  b" }, "scope"],
    [{ claims: { iss: "https://evil.example" } }, "claims"],
    [{ profile: { name: "x".repeat(5000) } }, "profile"],
  ])("refuses a person that no token could describe: %#", async (more, path) => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    await expect(browser.accept(handle, "ada", more)).rejects.toMatchObject({
      reason: "invalid_request",
      issues: [{ path: expect.stringContaining(path) }],
    });
  });
});
