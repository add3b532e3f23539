import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import type { LogoutStep } from "../../../src/service/authorization/logout.ts";
import type { Browser } from "../../../src/service/authorization/step.ts";
import { anIntroducedClient, aRecord } from "../../store/samples.ts";
import { addClient } from "../../support/clients.ts";
import { openPairForge, type PairForge } from "../../support/forge.ts";
import { forgedHints, hintOf } from "../../support/forged-hints.ts";
import { ISSUER, NOW, openService } from "../../support/service.ts";
import { addSession } from "../../support/sign-in-session.ts";

const CALLBACK = "https://app.example/callback";
const BYE = "https://app.example/bye";

let opened: Awaited<ReturnType<typeof openService>>;
let ours: PairForge;
let stranger: PairForge;
let web: string;
let other: string;

beforeAll(async () => {
  opened = await openService({ open: false });
  const [stored] = await opened.store.listKeys();
  [ours, stranger] = await Promise.all([openPairForge("ES256", stored), openPairForge("ES256")]);
  const uris = { redirectUris: [CALLBACK], postLogoutRedirectUris: [BYE, `${BYE}?app=1`, "com.example.app:/bye"] };
  ({ clientId: web } = await addClient(opened.service, { name: "Shop", ...uris }));
  const elsewhere = { redirectUris: ["https://other.example/"], postLogoutRedirectUris: ["https://other.example/bye"] };
  ({ clientId: other } = await addClient(opened.service, { name: "Other", ...elsewhere }));
});
afterAll(() => opened[Symbol.asyncDispose]());

type Parameters = Record<string, string | undefined>;

/** Calls with the parameters of a request; `token` is that of the form. */
async function logout(browser: Browser, { token, ...parameters }: Parameters = {}): Promise<LogoutStep> {
  const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined);
  const step = await opened.service.logout?.({ parameters: new Map(given), token }, browser);
  if (step === undefined) throw new Error("The service has no logout");
  return step;
}

/** A browser with a session, and an `id_token` of it for a client. */
async function signedIn(clientId = web) {
  const { sid, cookie } = await addSession(opened.store);
  const claims = { iss: ISSUER, aud: clientId, sub: "ada", sid, iat: NOW - 3600, exp: NOW - 2700 };
  return { sid, browser: { session: cookie }, claims, hint: hintOf(ours, claims) };
}

async function isEnded(sid: string): Promise<boolean> {
  const revoked = await opened.store.findRevocations([{ kind: "session", id: sid }]);
  expect(revoked.length === 0).toBe((await opened.store.findSignInBySid(sid)) !== undefined);
  return revoked.length > 0;
}

const CLEARED = { session: "clear" };

describe("logout with the id_token of the session", () => {
  it("ends the session at once, also after the expiry of the id_token, as an act of the person", async () => {
    const { sid, browser, hint } = await signedIn();
    const before = await addSession(opened.store);
    expect(await logout(browser, { id_token_hint: hint })).toEqual({ step: "signed_out", cookies: CLEARED });
    expect([await isEnded(sid), await isEnded(before.sid)]).toEqual([true, false]);
    const { records } = await opened.service.audit.list(localCaller, { action: "signOut", limit: 1 });
    expect(records).toMatchObject([
      { action: "signOut", outcome: "allowed", subject: "ada", target: sid, clientId: web },
    ]);
  });

  it("returns to the client, with the state as it was", async () => {
    const { browser, hint } = await signedIn();
    const state = "a b&c=d#e?f/ä";
    const asked = { id_token_hint: hint, post_logout_redirect_uri: BYE, state, client_id: web };
    expect(await logout(browser, asked)).toEqual({
      step: "redirect",
      redirectUri: `${BYE}?state=${encodeURIComponent(state)}`,
      cookies: CLEARED,
    });
  });

  it.each([
    [`${BYE}?app=1`, undefined, `${BYE}?app=1`],
    [`${BYE}?app=1`, "s", `${BYE}?app=1&state=s`],
    ["com.example.app:/bye", "s", "com.example.app:/bye?state=s"],
  ])("returns to %s with the state %s", async (post_logout_redirect_uri, state, redirectUri) => {
    const { browser, hint } = await signedIn();
    expect(await logout(browser, { id_token_hint: hint, post_logout_redirect_uri, state })).toMatchObject({
      redirectUri,
    });
  });

  it("ignores hints about the person and the language", async () => {
    const { sid, browser, hint } = await signedIn();
    await logout(browser, { id_token_hint: hint, logout_hint: "grace", ui_locales: "de" });
    expect(await isEnded(sid)).toBe(true);
  });

  it("ends a session that has expired: its tokens may live longer", async () => {
    const { sid, cookie } = await addSession(opened.store, { expiresAt: NOW - 1 });
    const hint = hintOf(ours, { iss: ISSUER, aud: web, sub: "ada", sid, iat: 1, exp: 2 });
    await logout({ session: cookie }, { id_token_hint: hint });
    expect(await isEnded(sid)).toBe(true);
  });
});

describe("logout without a session", () => {
  it("ends nothing, and returns to the client", async () => {
    const { sid, hint } = await signedIn();
    for (const browser of [{}, { session: "unknown" }]) {
      const cookies = "session" in browser ? { cookies: CLEARED } : {};
      expect(await logout(browser)).toEqual({ step: "signed_out", ...cookies });
      const asked = { id_token_hint: hint, post_logout_redirect_uri: BYE };
      expect(await logout(browser, asked)).toEqual({ step: "redirect", redirectUri: BYE, ...cookies });
    }
    expect(await isEnded(sid)).toBe(false);
  });
});

describe("P38: logout without an id_token of the session", () => {
  it("is confirmed on a page, and then ends the session", async () => {
    const { sid, browser } = await signedIn();
    const asked = { client_id: web, post_logout_redirect_uri: BYE, state: "s" };
    const step = await logout(browser, asked);
    const token = expect.stringMatching(/^[\w-]{43}$/);
    const client = { clientId: web, name: "Shop" };
    expect(step).toEqual({ step: "log_out", token, parameters: asked, client });
    expect(await isEnded(sid)).toBe(false);
    const form = step.step === "log_out" ? { ...step.parameters, token: step.token } : {};
    const done = { step: "redirect", redirectUri: `${BYE}?state=s`, cookies: CLEARED };
    expect(await logout(browser, form)).toEqual(done);
    expect(await isEnded(sid)).toBe(true);
    // A reload of the form ends nothing else.
    expect(await logout(browser, form)).toEqual(done);
  });

  it("names no client, and leads nowhere, where none asks", async () => {
    const { browser } = await signedIn();
    const step = await logout(browser, { state: "s", post_logout_redirect_uri: BYE });
    expect(step).toMatchObject({ step: "log_out", parameters: {} });
    expect(step).not.toHaveProperty("client.name");
    const token = step.step === "log_out" ? step.token : "";
    expect(await logout(browser, { token, post_logout_redirect_uri: BYE })).toMatchObject({ step: "signed_out" });
  });

  it.each<[name: string, change: (form: Parameters, tokens: { ofOther: string }) => Parameters]>([
    ["without a token", ({ token: _, ...form }) => form],
    ["with an empty token", (form) => ({ ...form, token: "" })],
    ["with a guessed token", (form) => ({ ...form, token: "x".repeat(43) })],
    ["with the token of another browser", (form, { ofOther }) => ({ ...form, token: ofOther })],
    ["with another state", (form) => ({ ...form, state: "t" })],
    ["to another place", (form) => ({ ...form, post_logout_redirect_uri: `${BYE}?app=1` })],
    ["to no place", ({ post_logout_redirect_uri: _, ...form }) => form],
    ["of another client", (form) => ({ ...form, client_id: other })],
  ])("is not confirmed by a form %s", async (_, change) => {
    const [here, there] = [await signedIn(), await signedIn()];
    const asked = { client_id: web, post_logout_redirect_uri: BYE, state: "s" };
    const [mine, theirs] = [await logout(here.browser, asked), await logout(there.browser, asked)];
    if (mine.step !== "log_out" || theirs.step !== "log_out") throw new Error("Nothing was asked");
    const form = change({ ...mine.parameters, token: mine.token }, { ofOther: theirs.token });
    expect(await logout(here.browser, form)).toMatchObject({ step: "log_out" });
    expect([await isEnded(here.sid), await isEnded(there.sid)]).toEqual([false, false]);
  });

  it("leads to the URI of a client that introduced itself only with its id_token or after the confirmation", async () => {
    const client = anIntroducedClient({ introduced: "registration", postLogoutRedirectUris: [BYE] });
    await opened.store.addIntroducedClient(client, { maxUnused: 9 }, aRecord());
    const { clientId } = client;
    const { sid, browser, hint } = await signedIn(clientId);
    const asked = { client_id: clientId, post_logout_redirect_uri: BYE };
    for (const stranger of [{}, { session: "unknown" }, { session: "unknown", token: "x".repeat(43) }])
      expect(await logout(stranger, { ...asked, ...stranger })).toMatchObject({ step: "signed_out" });
    expect(await logout({}, { ...asked, id_token_hint: hint })).toMatchObject({ step: "redirect", redirectUri: BYE });
    const step = await logout(browser, asked);
    expect([step.step, await isEnded(sid)]).toEqual(["log_out", false]);
    const form = step.step === "log_out" ? { ...step.parameters, token: step.token } : {};
    expect(await logout(browser, form)).toMatchObject({ step: "redirect", redirectUri: BYE });
    expect(await isEnded(sid)).toBe(true);
  });

  it("is confirmed with the id_token of another session, also of the same person and client", async () => {
    const [here, there] = [await signedIn(), await signedIn()];
    expect(await logout(here.browser, { id_token_hint: there.hint, post_logout_redirect_uri: BYE })).toMatchObject({
      step: "log_out",
      client: { clientId: web },
      parameters: { client_id: web, post_logout_redirect_uri: BYE },
    });
    expect([await isEnded(here.sid), await isEnded(there.sid)]).toEqual([false, false]);
  });

  it("is confirmed where the id_token is of another client than client_id, and leads to neither", async () => {
    const { sid, browser, hint } = await signedIn();
    const asked = { id_token_hint: hint, client_id: other, post_logout_redirect_uri: "https://other.example/bye" };
    expect(await logout(browser, asked)).toMatchObject({ step: "log_out", parameters: {} });
    expect(await isEnded(sid)).toBe(false);
  });

  it("is confirmed where the client of the id_token was removed", async () => {
    const { clientId } = await addClient(opened.service, { name: "gone", redirectUris: [CALLBACK] });
    const { sid, browser, hint } = await signedIn(clientId);
    await opened.service.clients.remove(localCaller, clientId);
    expect(await logout(browser, { id_token_hint: hint })).toMatchObject({ step: "log_out" });
    expect(await isEnded(sid)).toBe(false);
  });

  it("P37: is confirmed with every forged id_token, which leads nowhere", async () => {
    const { sid, browser, claims } = await signedIn();
    for (const [name, hint] of Object.entries(forgedHints(ours, stranger, claims))) {
      const step = await logout(browser, { id_token_hint: hint, post_logout_redirect_uri: BYE, state: "s" });
      expect([name, step]).toEqual([name, { step: "log_out", token: expect.any(String), parameters: {} }]);
    }
    expect(await isEnded(sid)).toBe(false);
    expect(await logout(browser, { id_token_hint: hintOf(ours, claims) })).toMatchObject({ step: "signed_out" });
  });

  it("P37: is confirmed with the access tokens, logout tokens and signed introspections of this service", async () => {
    const { sid, browser } = await signedIn();
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    const introspection = await opened.service.signIntrospection(web, { active: true, sid, sub: "ada" });
    for (const hint of [token, introspection])
      expect(await logout(browser, { id_token_hint: hint })).toMatchObject({ step: "log_out" });
    expect(await isEnded(sid)).toBe(false);
  });

  it("is confirmed with an id_token by a revoked key, and not with one by a retired key", async () => {
    await using fresh = await openService();
    const [first] = await fresh.store.listKeys();
    const { sid, cookie } = await addSession(fresh.store);
    const { clientId } = await addClient(fresh.service, { redirectUris: [CALLBACK] });
    const forge = await openPairForge("ES256", first);
    const hint = hintOf(forge, { iss: ISSUER, aud: clientId, sub: "ada", sid, iat: NOW, exp: NOW + 9 });
    await fresh.service.keys.rotate(localCaller, { immediate: true });
    fresh.clock.now += 90 * 86400;
    await fresh.service.maintenance();
    const ask = () => fresh.service.logout?.({ parameters: new Map([["id_token_hint", hint]]) }, { session: cookie });
    const { sid: second, cookie: secondCookie } = await addSession(fresh.store);
    expect(await ask()).toMatchObject({ step: "signed_out" });
    await fresh.service.keys.revoke(localCaller, first?.kid ?? "");
    const late = hintOf(forge, { iss: ISSUER, aud: clientId, sub: "ada", sid: second, iat: NOW, exp: NOW + 9 });
    const step = await fresh.service.logout?.(
      { parameters: new Map([["id_token_hint", late]]) },
      { session: secondCookie },
    );
    expect(step).toMatchObject({ step: "log_out" });
  });

  it.each([
    "https://app.example/bye/",
    "https://app.example/bye?",
    "https://app.example/bye#",
    "https://app.example/bye?x=1",
    "https://app.example/Bye",
    "https://APP.example/bye",
    "https://app.example:443/bye",
    "https://app.example/x/../bye",
    "https://app.example/%62ye",
    "https://app.example//bye",
    "https://app.example",
    "https://app.example/",
    CALLBACK,
    "http://app.example/bye",
    "https://user@app.example/bye",
    "https://app.example@evil.example/bye",
    "https://app.example.evil.example/bye",
    "https://evil.example/?https://app.example/bye",
    "//app.example/bye",
    "/bye",
    " https://app.example/bye",
    "https://app.example/bye ",
    "https://app.example/bye\u0000",
    "javascript:alert(1)",
    "https://other.example/bye",
    "com.example.app:/bye/x",
  ])("leads only to a registered URI of its client: not to %j", async (post_logout_redirect_uri) => {
    const { browser, hint } = await signedIn();
    const asked = { id_token_hint: hint, post_logout_redirect_uri, state: "s" };
    expect(await logout(browser, asked)).toEqual({ step: "signed_out", cookies: CLEARED });
    expect(await logout({}, { ...asked, id_token_hint: undefined, client_id: web })).toEqual({ step: "signed_out" });
  });
});

it("a service with a shared secret signs nobody out", async () => {
  await using fresh = await openService({ secret: "a secret of at least 32 characters" });
  expect(fresh.service.logout).toBeUndefined();
});
