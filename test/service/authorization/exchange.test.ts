import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it, vi } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  addWebClient,
  authorizationRequest,
  codeFor,
  openBrowser,
  openPeople,
  REDIRECT_URI,
  VERIFIER,
} from "../../support/people.ts";
import { ISSUER, NOW } from "../../support/service.ts";

const profile = { name: "Ada Lovelace", email: "ada@example.org", sub: "eve", iss: "https://evil.example" };
const SCOPE = "openid profile orders:read";

/** A service, a client, and the code of a person. */
async function openWithCode({ scope = SCOPE as string | undefined, client = {}, request = {} } = {}) {
  const opened = await openPeople(client);
  const parameters = authorizationRequest(opened.clientId, { scope, nonce: "n-1", ...request });
  const code = await codeFor(opened.browser, parameters, { more: { claims: { role: "reader" }, profile } });
  const caller = await opened.authenticate();
  const exchange = (more: object = {}) =>
    opened.service.exchangeCode(caller, { code, redirectUri: REDIRECT_URI, verifier: VERIFIER, ...more });
  return { ...opened, code, caller, exchange };
}

const invalidCode = { reason: "invalid_code" };

describe("a code", () => {
  it("is exchanged for an access token of the person and an id_token for the client", async () => {
    await using opened = await openWithCode();
    const { service, clientId, exchange } = opened;
    const issued = await exchange();
    expect(issued).toMatchObject({ tokenType: "Bearer", expiresIn: 900, scope: SCOPE });
    expect(issued).not.toHaveProperty("refreshToken");
    const claims = await service.verifyToken({ token: issued.token, audience: ISSUER });
    expect(claims).toMatchObject({ sub: "ada", client_id: clientId, role: "reader", scope: SCOPE });
    expect(decodeProtectedHeader(issued.idToken ?? "")).toMatchObject({ typ: "JWT", alg: "ES256" });
    expect(decodeJwt(issued.idToken ?? "")).toEqual({
      iss: ISSUER,
      sub: "ada",
      aud: clientId,
      iat: NOW,
      exp: NOW + 900,
      auth_time: NOW,
      nonce: "n-1",
      sid: claims.sid,
      at_hash: expect.stringMatching(/^[\w-]{22}$/),
      name: "Ada Lovelace",
    });
    expect(claims.grant_id).toMatch(/^[\w-]{22}$/);
    await expect(service.verifyToken({ token: issued.idToken ?? "" })).rejects.toMatchObject({
      reason: "invalid_token",
    });
  });

  it("brings no id_token without the scope openid", async () => {
    await using opened = await openWithCode({ scope: "orders:read" });
    expect(await opened.exchange()).not.toHaveProperty("idToken");
  });

  it.each([
    [{ scope: "openid offline_access" }, true],
    [{ scope: "openid offline_access", client: { grants: ["authorization_code"] } }, false],
    [{ scope: "openid" }, false],
    [{ client: { firstParty: true } }, true],
  ] as const)(
    "brings a refresh token where the person agreed, or the client is first-party: %j %s",
    async (given, has) => {
      await using opened = await openWithCode(given as object);
      expect((await opened.exchange()).refreshToken !== undefined).toBe(has);
    },
  );

  it.each([
    ["public", "none"],
    ["confidential", "client_secret_basic"],
  ] as const)("lets a %s client refresh without a permission (P20)", async (_name, authMethod) => {
    await using opened = await openWithCode({ scope: "openid offline_access", client: { authMethod } });
    const { service, caller, exchange } = opened;
    const first = await exchange();
    const second = await service.refreshToken(caller, { refreshToken: first.refreshToken ?? "" });
    const [before, after] = [decodeJwt(first.token), decodeJwt(second.token)];
    expect(after).toMatchObject({ sub: "ada", sid: before.sid, grant_id: before.grant_id, scope: before.scope });
    await expect(service.getToken(caller, { claims: {} })).rejects.toMatchObject({ reason: "permission_denied" });
  });

  it.each([
    ["a wrong verifier", { verifier: "x".repeat(43) }],
    ["an empty verifier", { verifier: "" }],
    ["a short verifier", { verifier: VERIFIER.slice(1) }],
    ["a long verifier", { verifier: "x".repeat(129) }],
    ["the challenge in place of the verifier", { verifier: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" }],
    ["another redirect URI", { redirectUri: "https://shop.example/other" }],
  ])("is refused with %s, and ends (P7)", async (_name, more) => {
    await using opened = await openWithCode();
    await expect(opened.exchange(more)).rejects.toMatchObject(invalidCode);
    await expect(opened.exchange()).rejects.toMatchObject(invalidCode);
  });

  it("is refused for another client, and stays valid for its own (P8, P9)", async () => {
    await using opened = await openWithCode();
    const { service, code, exchange } = opened;
    const other = await addWebClient(service);
    const stranger = await service.authenticate(other, "192.0.2.2");
    const request = { code, redirectUri: REDIRECT_URI, verifier: VERIFIER };
    await expect(service.exchangeCode(stranger, request)).rejects.toMatchObject(invalidCode);
    const { token } = await exchange();
    await expect(service.exchangeCode(stranger, request)).rejects.toMatchObject(invalidCode);
    expect(await service.verifyToken({ token })).toMatchObject({ sub: "ada" });
  });

  it("ends the tokens of its first use at a second one (P9)", async () => {
    await using opened = await openWithCode({ scope: "openid offline_access" });
    const { service, caller, exchange } = opened;
    const { token, refreshToken = "" } = await exchange();
    await expect(exchange()).rejects.toMatchObject(invalidCode);
    await expect(service.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" });
    await expect(service.refreshToken(caller, { refreshToken })).rejects.toMatchObject({
      reason: "invalid_refresh_token",
    });
    // The sign-in session goes on.
    const again = await codeFor(opened.browser, authorizationRequest(opened.clientId, { scope: "openid" }));
    const other = await exchange({ code: again });
    expect(await service.verifyToken({ token: other.token })).toMatchObject({ sub: "ada" });
  });

  it("is exchanged once by 50 calls at the same time, and no token survives", async () => {
    await using opened = await openWithCode();
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => opened.exchange()));
    const tokens = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value.token] : []));
    expect(tokens.length).toBe(1);
    await expect(opened.service.verifyToken({ token: tokens[0] ?? "" })).rejects.toMatchObject({
      reason: "token_revoked",
    });
  });

  it("is valid for a minute", async () => {
    await using opened = await openWithCode();
    opened.clock.now += 60;
    await expect(opened.exchange()).rejects.toMatchObject(invalidCode);
  });

  it.each([
    [119, true],
    [120, false],
  ])("is valid %i s later by the clock of another server, which may be a minute ahead: %s", async (later, isValid) => {
    const wrap = (store: Store): Store => ({ ...store, system: "postgresql" });
    await using opened = await openPeople({}, { wrap });
    const { store, clock, clientId, browser } = opened;
    const code = await codeFor(browser, authorizationRequest(clientId));
    clock.now += later;
    // Another process has a module of its own.
    vi.resetModules();
    const { createTokenService } = await import("../../../src/service/service.ts");
    const other = await createTokenService({ store, clock: () => clock.now, issuer: ISSUER });
    const caller = await other.authenticate(opened, "192.0.2.1");
    const exchanged = other.exchangeCode(caller, { code, redirectUri: REDIRECT_URI, verifier: VERIFIER });
    expect(await exchanged.then(Boolean, () => false)).toBe(isValid);
  });

  it("is refused with another resource, and stays valid (P21)", async () => {
    await using opened = await openWithCode();
    const resources = ["https://other.example"];
    await expect(opened.exchange({ resources })).rejects.toMatchObject({ reason: "invalid_target" });
    expect(decodeJwt((await opened.exchange({ resources: [ISSUER] })).token).aud).toBe(ISSUER);
  });

  it.each([
    ["its client is removed", (opened: Opened) => opened.service.clients.remove(localCaller, opened.clientId)],
    [
      "its subject is revoked",
      (opened: Opened) => opened.service.revokeAll(localCaller, { kind: "subject", id: "ada" }),
    ],
    [
      "its client is revoked",
      (opened: Opened) => opened.service.revokeAll(localCaller, { kind: "client", id: opened.clientId }),
    ],
    ["its session is ended", async (opened: Opened) => opened.service.revokeGrant(localCaller, await sidOf(opened))],
    [
      "its client loses the grant type (P22)",
      ({ service, clientId }: Opened) =>
        service.clients.update(localCaller, { clientId, grants: ["refresh_token"], redirectUris: [] }),
    ],
  ])("is worth nothing after %s (P19)", async (_name, end) => {
    await using opened = await openWithCode();
    await end(opened);
    await expect(opened.exchange()).rejects.toMatchObject({
      reason: expect.stringMatching(/invalid_|permission_denied/),
    });
  });
});

type Opened = Awaited<ReturnType<typeof openWithCode>>;

async function sidOf({ store }: Pick<Opened, "store">): Promise<string> {
  return (await store.listSignIns({ subject: "ada", now: NOW, limit: 1 }))[0]?.sid ?? "";
}

describe("the end of a sign-in session", () => {
  it("ends the session in the browser, all its tokens of all clients, and their refresh", async () => {
    await using opened = await openWithCode({ scope: "openid offline_access" });
    const { service, caller, clientId, browser, exchange } = opened;
    const first = await exchange();
    const other = await addWebClient(service, { firstParty: true });
    const code = await codeFor(browser, authorizationRequest(other.clientId));
    const otherCaller = await service.authenticate(other, "192.0.2.2");
    const second = await service.exchangeCode(otherCaller, { code, redirectUri: REDIRECT_URI, verifier: VERIFIER });
    expect(await service.revokeGrant(localCaller, await sidOf(opened))).not.toHaveProperty("unknownGrant");
    for (const { token } of [first, second])
      await expect(service.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" });
    for (const [who, { refreshToken = "" }] of [
      [caller, first],
      [otherCaller, second],
    ] as const)
      await expect(service.refreshToken(who, { refreshToken })).rejects.toMatchObject({
        reason: "invalid_refresh_token",
      });
    expect((await browser.begin(authorizationRequest(clientId))).step).toBe("sign_in");
  });

  it("is not hidden by the bound of a client or subject, nor the other way round (P36)", async () => {
    await using opened = await openWithCode();
    const { service, clientId, browser, exchange } = opened;
    const { token } = await exchange();
    await service.revokeAll(localCaller, { kind: "client", id: clientId });
    const later = openBrowser(service);
    const code = await codeFor(later, authorizationRequest(clientId), { subject: "ada" });
    const fresh = await exchange({ code });
    await expect(service.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" });
    expect(await service.verifyToken({ token: fresh.token })).toMatchObject({ sub: "ada" });
    await service.revokeGrant(localCaller, String(decodeJwt(fresh.token).sid));
    await expect(service.verifyToken({ token: fresh.token })).rejects.toMatchObject({ reason: "token_revoked" });
    expect(browser.cookies.session).not.toBe(later.cookies.session);
  });
});

describe("userInfo", () => {
  it("returns what the person agreed to share, while the session lasts", async () => {
    await using opened = await openWithCode({ scope: "openid email" });
    const { service, clock, exchange } = opened;
    const { token } = await exchange();
    expect(await service.userInfo(token)).toEqual({ sub: "ada", email: "ada@example.org" });
    clock.now += 899;
    expect(await service.userInfo(token)).toMatchObject({ sub: "ada" });
    await service.revokeGrant(localCaller, await sidOf(opened));
    await expect(service.userInfo(token)).rejects.toMatchObject({ reason: "token_revoked" });
  });

  it("refuses tokens without openid, and tokens of programs", async () => {
    await using opened = await openWithCode({ scope: "orders:read" });
    const { service, exchange } = opened;
    const program = await service.getToken(localCaller, { scope: "openid", claims: {}, refreshable: true });
    for (const { token } of [await exchange(), program])
      await expect(service.userInfo(token)).rejects.toMatchObject({ reason: "insufficient_scope" });
  });
});
