import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Caller, localCaller } from "../../../src/service/access/caller.ts";
import type { TokenService } from "../../../src/service/service.ts";
import { anIntroducedClient, aRecord } from "../../store/samples.ts";
import { addClient } from "../../support/clients.ts";
import {
  authorizationRequest,
  codeIn,
  expectStep,
  openBrowser,
  openPeople,
  REDIRECT_URI,
} from "../../support/people.ts";
import { addResource, MCP } from "../../support/resources.ts";
import { ISSUER, NOW } from "../../support/service.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]) });

async function openSignIn(parameters: Record<string, string> = {}, options: Parameters<typeof openPeople>[1] = {}) {
  const opened = await openPeople({ firstParty: true }, options);
  const asked = await opened.browser.begin(authorizationRequest(opened.clientId, parameters));
  return { ...opened, handle: expectStep(asked, "sign_in").handle };
}

const handleIn = (url: string) => new URL(url).searchParams.get("handle") ?? "none";

describe("signIn.describe", () => {
  it("says for whom and for what a person signs in", async () => {
    await using opened = await openPeople({ audiences: [MCP] });
    const { service, browser, clientId, clock } = opened;
    await addResource(service, { audience: MCP, name: "Tools", scopes: { "tools:read": "Read your tools" } });
    const more = { scope: "openid tools:read", login_hint: "ada@example.org", max_age: "300" };
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId, more, [MCP])), "sign_in");
    clock.now += 20;
    expect(await service.signIn.describe(localCaller, handle)).toEqual({
      client: { clientId, name: "shop" },
      resources: [{ audience: MCP, name: "Tools" }],
      scopes: [{ name: "openid" }, { name: "tools:read", description: "Read your tools" }],
      loginHint: "ada@example.org",
      maxAge: 320,
    });
  });

  it("says that the client introduced itself, so that nobody has checked its name", async () => {
    await using opened = await openPeople();
    const { service, store, browser } = opened;
    await addResource(service, { audience: MCP, open: true });
    const client = anIntroducedClient({ introduced: "registration", name: "Claude", redirectUris: [REDIRECT_URI] });
    await store.addIntroducedClient(client, { maxUnused: 9 }, aRecord());
    const { clientId } = client;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId, {}, [MCP])), "sign_in");
    const { client: described } = await service.signIn.describe(localCaller, handle);
    expect(described).toEqual({ clientId, name: "Claude", introduced: "registration" });
  });
});

describe("signIn.accept", () => {
  it("counts for nothing once the person is revoked", async () => {
    await using opened = await openPeople();
    const { service, browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada" });
    await service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    const step = await browser.resume(new URL(url).searchParams.get("handle") ?? "");
    expect(expectStep(step, "redirect").parameters).toMatchObject({ error: "login_required" });
  });

  it("says who the person is, and where the browser goes on", async () => {
    await using opened = await openSignIn();
    const { service, browser, handle } = opened;
    const profile = { name: "Ada", sub: "eve" };
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada", authTime: NOW - 5, profile });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:3000\/oauth\/continue\?handle=[\w-]{43}$/);
    codeIn(await browser.resume(handleIn(url)));
    const { sessions } = await service.sessions.list(localCaller, { subject: "ada", limit: 1 });
    expect(sessions).toMatchObject([{ authTime: NOW - 5 }]);
    const { records } = await service.audit.list(localCaller, { action: "signIn.accept", limit: 2 });
    expect(records).toMatchObject([{ outcome: "allowed", subject: "ada" }]);
  });

  it("is worth nothing in another browser (P13)", async () => {
    await using opened = await openSignIn();
    const { service, browser, handle } = opened;
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada" });
    expect(await openBrowser(service).resume(handleIn(url))).toEqual({ step: "refused", reason: "other_browser" });
    codeIn(await browser.resume(handleIn(url)));
  });

  it("signs no stranger in who began and had the person open the link (P13)", async () => {
    await using opened = await openSignIn();
    const { service, browser: stranger, handle } = opened;
    await service.signIn.accept(localCaller, { handle, subject: "ada" });
    expect(await stranger.resume(handle)).toEqual({ step: "refused", reason: "expired" });
  });

  it.each([
    [{ subject: "" }, "subject"],
    [{ subject: "a".repeat(256) }, "subject"],
    [{ authTime: NOW + 3600 }, "authTime"],
    [{ claims: { role: "owner" } }, "claims.role"],
    [{ claims: { role: "reader", rank: 1 } }, "claims"],
    [{ claims: { role: "reader", sub: "eve" } }, "claims"],
    [{ scope: "a  b" }, "scope"],
    [{ profile: { name: "a".repeat(5000) } }, "profile"],
  ])("refuses %j, which no token could contain", async (wrong, path) => {
    await using opened = await openSignIn({}, { claims } as never);
    const { service, handle, browser } = opened;
    const person = { handle, subject: "ada", claims: { role: "reader" }, ...wrong };
    await expect(service.signIn.accept(localCaller, person)).rejects.toMatchObject({
      reason: "invalid_request",
      issues: [{ path }],
    });
    expect((await browser.resume(handle)).step).toBe("sign_in");
  });

  it("answers login_required to a client that asked for a newer sign-in", async () => {
    await using opened = await openSignIn({ max_age: "60" });
    const { service, browser, handle } = opened;
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada", authTime: NOW - 61 });
    const { parameters } = expectStep(await browser.resume(handleIn(url)), "redirect");
    expect(parameters).toMatchObject({ error: "login_required", state: "xyz", iss: ISSUER });
  });
});

describe("the URL in the answer", () => {
  it("signs a person in once: after they have signed out, the browser's history signs nobody in (P16)", async () => {
    await using opened = await openPeople();
    const { service, browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada" });
    expectStep(await browser.resume(handleIn(url)), "consent");
    expectStep(await browser.resume(handleIn(url)), "consent");
    const { sessions } = await service.sessions.list(localCaller, { subject: "ada", limit: 2 });
    await service.sessions.revoke(localCaller, sessions[0]?.sid ?? "none");
    for (const session of [browser.cookies.session, undefined]) {
      browser.cookies.session = session;
      expect((await browser.resume(handleIn(url))).step).toBe("sign_in");
    }
    expect((await service.sessions.list(localCaller, { subject: "ada", limit: 2 })).sessions).toEqual([]);
  });

  it("does not sign out another person who has signed in since", async () => {
    await using opened = await openPeople();
    const { service, browser, clientId } = opened;
    const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada" });
    expectStep(await browser.resume(handleIn(url)), "consent");
    const other = expectStep(await browser.begin(authorizationRequest(clientId, { prompt: "login" })), "sign_in");
    await browser.accept(other.handle, "bob");
    expect(expectStep(await browser.resume(handleIn(url)), "consent").subject).toBe("bob");
  });

  it("answers login_required for a person who signed in too early, although they have a session", async () => {
    await using opened = await openSignIn();
    const { service, browser, handle, clientId, clock } = opened;
    const authTime = NOW - 100;
    const first = await service.signIn.accept(localCaller, { handle, subject: "ada", authTime });
    codeIn(await browser.resume(handleIn(first.url)));
    clock.now += 10;
    for (const parameters of [{ prompt: "login" }, { max_age: "60" }]) {
      const asked = expectStep(await browser.begin(authorizationRequest(clientId, parameters)), "sign_in");
      const { url } = await service.signIn.accept(localCaller, { handle: asked.handle, subject: "ada", authTime });
      expect(expectStep(await browser.resume(handleIn(url)), "redirect").parameters.error).toBe("login_required");
    }
  });

  it("is that of a new sign-in also at a server whose clock is behind", async () => {
    await using opened = await openSignIn({ prompt: "login" });
    const { service, browser, handle, clock } = opened;
    clock.now -= 30;
    const { url } = await service.signIn.accept(localCaller, { handle, subject: "ada" });
    codeIn(await browser.resume(handleIn(url)));
  });
});

describe("signIn.refuse", () => {
  it("sends access_denied to the client, by the browser that began", async () => {
    await using opened = await openSignIn();
    const { service, browser, handle } = opened;
    const { url } = await service.signIn.refuse(localCaller, handle);
    expect(await openBrowser(service).resume(handleIn(url))).toEqual({ step: "refused", reason: "other_browser" });
    const { parameters } = expectStep(await browser.resume(handleIn(url)), "redirect");
    expect(parameters).toMatchObject({ error: "access_denied", state: "xyz", iss: ISSUER });
  });
});

describe("a handle", () => {
  type Use = (signIn: TokenService["signIn"], caller: Caller, handle: string) => Promise<unknown>;
  const uses: [name: string, use: Use][] = [
    ["describe", (signIn, caller, handle) => signIn.describe(caller, handle)],
    ["accept", (signIn, caller, handle) => signIn.accept(caller, { handle, subject: "ada" })],
    ["refuse", (signIn, caller, handle) => signIn.refuse(caller, handle)],
  ];

  it.each(uses)("that is unknown, answered or expired is unknown to %s", async (_, use) => {
    await using opened = await openSignIn();
    const { clientId, browser, handle, clock } = opened;
    const attempt = (handle: string) => use(opened.service.signIn, localCaller, handle);
    await expect(attempt("a".repeat(43))).rejects.toMatchObject({ reason: "unknown_sign_in" });
    await browser.accept(handle, "ada");
    await expect(attempt(handle)).rejects.toMatchObject({ reason: "unknown_sign_in" });
    const answered = expectStep(await browser.begin(authorizationRequest(clientId, { prompt: "login" })), "sign_in");
    await opened.service.signIn.accept(localCaller, { handle: answered.handle, subject: "ada" });
    await expect(attempt(answered.handle)).rejects.toMatchObject({ reason: "unknown_sign_in" });
    const again = authorizationRequest(clientId, { prompt: "login" });
    const { handle: other } = expectStep(await browser.begin(again), "sign_in");
    clock.now += 599;
    await expect(attempt(other)).resolves.toBeDefined();
    const { handle: late } = expectStep(await browser.begin(again), "sign_in");
    clock.now += 600;
    await expect(attempt(late)).rejects.toMatchObject({ reason: "unknown_sign_in" });
  });

  it.each(uses)("is for clients with the permission sign_in at %s", async (_, use) => {
    await using opened = await openSignIn();
    const { service, authenticate, handle } = opened;
    const denied = use(service.signIn, await authenticate(), handle);
    await expect(denied).rejects.toMatchObject({
      reason: "permission_denied",
      issues: [{ path: "permission", message: "sign_in is missing" }],
    });
    const may = await service.authenticate(await addClient(service, { permissions: ["sign_in"] }), "192.0.2.1");
    await expect(use(service.signIn, may, handle)).resolves.toBeDefined();
  });
});
