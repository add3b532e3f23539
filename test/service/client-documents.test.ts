import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { isLoopbackAddress } from "../../src/remote/addresses.ts";
import { createDocumentFetcher, type FetcherOptions } from "../../src/remote/document-fetcher.ts";
import { createAuditLog } from "../../src/service/access/audit-log.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createClientDocuments, MAX_DOCUMENT_BYTES } from "../../src/service/clients/client-documents.ts";
import { openMemoryStore } from "../../src/store/memory/memory.ts";
import { aResource } from "../store/samples.ts";
import {
  APP_CALLBACK,
  answerJson,
  answerStatus,
  asPublic,
  MCP,
  openWithResource,
  requestFor,
  type ServedDocument,
  serveClientDocument,
  tokensFor,
} from "../support/client-documents.ts";
import { certificateFor, serveByTls, serveDocuments } from "../support/document-server.ts";
import { countConnections } from "../support/outbound.ts";
import { codeFor, codeIn, expectStep, openBrowser, VERIFIER } from "../support/people.ts";
import { NOW } from "../support/service.ts";

const UNKNOWN = { step: "refused", reason: "unknown_client" };
const DAY = 86_400;

/** The reasons for which documents were refused, as audited. */
async function refusals(service: Awaited<ReturnType<typeof openWithResource>>["service"]) {
  await service.maintenance();
  const { records } = await service.audit.list(localCaller, { outcome: "refused", limit: 100 });
  return records.map(({ reason }) => reason);
}

describe("a client by document", () => {
  it("signs people in at an open resource: its tokens are for that alone, and are refreshed", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, clock } = opened;
    const { clientId } = served;
    const issued = await tokensFor(opened, clientId);
    expect(decodeJwt(issued.token)).toMatchObject({
      client_id: clientId,
      sub: "ada",
      aud: MCP,
      scope: "tools:read offline_access",
    });
    clock.now = NOW + 20;
    const caller = await asPublic(service, clientId);
    const { token, refreshToken } = await service.refreshToken(caller, { refreshToken: issued.refreshToken ?? "" });
    expect(decodeJwt(token)).toMatchObject({ aud: MCP, sub: "ada" });
    expect(refreshToken).not.toBe(issued.refreshToken);
    expect(served.fetches()).toBe(1);
    expect(await service.clients.list(localCaller)).toMatchObject([
      { clientId, name: "Notes app", introduced: "document", authMethod: "none", permissions: [], audiences: [] },
    ]);
  });

  it("has the grants that it asks for, of code and refresh token; without, it has both", async () => {
    await using served = await serveClientDocument({ grant_types: ["authorization_code", "client_credentials"] });
    await using opened = await openWithResource();
    const issued = await tokensFor(opened, served.clientId);
    expect(issued).not.toHaveProperty("refreshToken");
    expect(issued.scope).toBe("tools:read");
    const caller = await asPublic(opened.service, served.clientId);
    expect(caller.grants).toEqual(["authorization_code"]);
    await expect(opened.service.getToken(caller, { claims: {} })).rejects.toMatchObject({
      reason: "permission_denied",
    });
  });

  it("gets no right from its document: roles, permissions, first_party, jwks and scopes in it are ignored (P27)", async () => {
    await using served = await serveClientDocument({
      permissions: ["admin"],
      roles: ["admin"],
      first_party: true,
      firstParty: true,
      audiences: ["*"],
      any_subject: true,
      scope: "admin",
      jwks: { keys: [] },
      jwks_uri: "https://app.example/jwks.json",
      logo_uri: "https://app.example/logo.png",
      backchannel_logout_uri: "https://app.example/logout",
      software_statement: "e30.e30.",
      max_ttl: 1e9,
    });
    await using opened = await openWithResource();
    const { handle } = expectStep(await opened.browser.begin(requestFor(served.clientId)), "sign_in");
    expect((await opened.browser.accept(handle, "ada")).step).toBe("consent");
    const [client] = await opened.service.clients.list(localCaller);
    expect(client).toEqual({
      clientId: served.clientId,
      name: "Notes app",
      permissions: [],
      scopes: ["*"],
      audiences: [],
      anySubject: false,
      authMethod: "none",
      grants: ["authorization_code", "refresh_token"],
      redirectUris: [APP_CALLBACK],
      createdAt: NOW,
      secrets: [],
      introduced: "document",
    });
    await expect(
      opened.service.clients.update(localCaller, { clientId: served.clientId, firstParty: true }),
    ).rejects.toMatchObject({ reason: "invalid_request" });
  });

  it("is asked about in a browser that is signed in and has never met it, by name and by the host of its document (P12)", async () => {
    await using served = await serveClientDocument();
    await using other = await serveClientDocument();
    await using opened = await openWithResource();
    await tokensFor(opened, served.clientId);
    const consent = expectStep(await opened.browser.begin(requestFor(other.clientId)), "consent");
    expect(consent).toMatchObject({
      client: { name: "Notes app", introduced: "document", origin: `127.0.0.1:${other.port}` },
      host: "app.example",
      resources: [{ audience: MCP, name: "Notes" }],
      scopes: [{ name: "tools:read", description: "Read your notes" }, { name: "offline_access" }],
    });
  });

  it("is decided about in the browser that began, and in no other (P13)", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { handle } = expectStep(await opened.browser.begin(requestFor(served.clientId)), "sign_in");
    const { handle: asked, token } = expectStep(await opened.browser.accept(handle, "ada"), "consent");
    const other = openBrowser(opened.service);
    expect(await other.resume(asked)).toMatchObject({ step: "refused", reason: "other_browser" });
    expect(await other.decide(asked, token)).toMatchObject({ step: "refused", reason: "other_browser" });
  });

  it.each([
    ["the default audience", []],
    ["a resource that is not open", ["https://closed.example"]],
    ["an unknown resource", ["https://mcp.example/other"]],
    ["an open resource and another", [MCP, "https://closed.example"]],
    ["two open resources", [MCP, "https://mcp2.example"]],
  ])("may not request %s (P21)", async (_, resources) => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const closed = { audience: "https://closed.example", name: "Closed", scopes: {}, open: false };
    await opened.service.resources.create(localCaller, closed);
    await opened.service.resources.create(localCaller, { ...closed, audience: "https://mcp2.example", open: true });
    const step = expectStep(await opened.browser.begin(requestFor(served.clientId, {}, resources)), "redirect");
    expect(step.parameters).toMatchObject({ error: "invalid_target", state: "xyz" });
  });

  it("may request the default audience where that is an open resource", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource({ audience: MCP });
    expect((await opened.browser.begin(requestFor(served.clientId, {}, []))).step).toBe("sign_in");
  });

  it("may request a scope of the resource, and no other", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const step = expectStep(await opened.browser.begin(requestFor(served.clientId, { scope: "admin" })), "redirect");
    expect(step.parameters.error).toBe("invalid_scope");
  });

  it("does not use up its code by another resource at the token endpoint (P21)", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, browser } = opened;
    const code = await codeFor(browser, requestFor(served.clientId));
    const caller = await asPublic(service, served.clientId);
    const request = { code, redirectUri: APP_CALLBACK, verifier: VERIFIER };
    const other = service.exchangeCode(caller, { ...request, resources: ["https://closed.example"] });
    await expect(other).rejects.toMatchObject({ reason: "invalid_target" });
    expect(decodeJwt((await service.exchangeCode(caller, request)).token).aud).toBe(MCP);
  });

  it.each([
    ["removed", false],
    ["no longer open", true],
  ])("gets no token by a code or a refresh token once its resource is %s, and keeps both (P19)", async (_, isAdded) => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, browser } = opened;
    const { refreshToken = "" } = await tokensFor(opened, served.clientId);
    const code = await codeFor(browser, requestFor(served.clientId));
    const caller = await asPublic(service, served.clientId);
    const [resource] = await service.resources.list(localCaller);
    if (resource === undefined) throw new Error("There is no resource");
    await service.resources.remove(localCaller, MCP);
    if (isAdded) await service.resources.create(localCaller, { ...resource, open: false });
    const calls = [
      () => service.exchangeCode(caller, { code, redirectUri: APP_CALLBACK, verifier: VERIFIER }),
      () => service.refreshToken(caller, { refreshToken }),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ reason: "invalid_target" });
    if (isAdded) await service.resources.remove(localCaller, MCP);
    await service.resources.create(localCaller, resource);
    for (const call of calls) expect(decodeJwt((await call()).token).aud).toBe(MCP);
  });

  it.each([
    ["http://127.0.0.1/callback", "http://127.0.0.1:53127/callback", true],
    ["http://127.0.0.1:33418/", "http://127.0.0.1:53127/", true],
    ["http://localhost:8080/callback", "http://localhost/callback", true],
    ["http://[::1]:8080/callback", "http://[::1]:1/callback", true],
    ["http://127.0.0.1:33418/", "http://127.0.0.1:53127/other", false],
    ["http://127.0.0.1:33418/", "http://localhost:33418/", false],
    ["https://app.example:8443/callback", "https://app.example/callback", false],
    ["https://app.example/callback", "https://app.example:8443/callback", false],
  ])("with the redirect URI %s, may be answered at %s: %s", async (registered, redirect_uri, isAllowed) => {
    await using served = await serveClientDocument({ redirect_uris: [registered] });
    await using opened = await openWithResource();
    const step = await opened.browser.begin(requestFor(served.clientId, { redirect_uri }));
    expect(step).toMatchObject(isAllowed ? { step: "sign_in" } : { reason: "unknown_redirect_uri" });
  });

  it("is removed with its tokens; when it comes again, people are asked again (P19)", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, browser } = opened;
    const { token, refreshToken = "" } = await tokensFor(opened, served.clientId);
    const caller = await asPublic(service, served.clientId);
    await service.clients.remove(localCaller, served.clientId);
    await expect(service.verifyToken({ token, audience: MCP })).rejects.toMatchObject({ reason: "token_revoked" });
    await expect(service.refreshToken(caller, { refreshToken })).rejects.toMatchObject({ reason: "invalid_client" });
    await expect(asPublic(service, served.clientId)).rejects.toMatchObject({ reason: "invalid_client" });
    expect((await browser.begin(requestFor(served.clientId))).step).toBe("consent");
  });
});

describe("the document of a client", () => {
  it("is fetched once while it is fresh, by calls at the same time too, and again after that", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { browser, clock, service } = opened;
    const begin = () => browser.begin(requestFor(served.clientId));
    await Promise.all([begin(), begin(), begin()]);
    clock.now = NOW + 59;
    await begin();
    expect(served.fetches()).toBe(1);
    clock.now = NOW + 60;
    await Promise.all([begin(), asPublic(service, served.clientId)]);
    expect(served.fetches()).toBe(2);
    served.change({ client_name: "New" });
    clock.now = NOW + 120;
    await begin();
    const { records } = await service.audit.list(localCaller, { clientId: served.clientId, limit: 10 });
    expect(records.map(({ action, fields }) => [action, fields])).toEqual([
      ["clients.update", ["name"]],
      ["clients.introduce", undefined],
    ]);
    expect(await service.clients.list(localCaller)).toMatchObject([{ name: "New" }]);
  });

  it("that loses its redirect URI between the request and the token ends the code", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, browser, clock } = opened;
    clock.now = NOW;
    await browser.begin(requestFor(served.clientId));
    clock.now = NOW + 30;
    const code = await codeFor(browser, requestFor(served.clientId));
    served.change({ redirect_uris: ["https://evil.example/callback"] });
    clock.now = NOW + 61;
    const caller = await asPublic(service, served.clientId);
    const exchange = (redirectUri: string) => service.exchangeCode(caller, { code, redirectUri, verifier: VERIFIER });
    for (const uri of ["https://evil.example/callback", APP_CALLBACK])
      await expect(exchange(uri)).rejects.toMatchObject({ reason: "invalid_code" });
    expect(await browser.begin(requestFor(served.clientId))).toMatchObject({ reason: "unknown_redirect_uri" });
  });

  it("that loses its redirect URI while the person decides gives no code", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { browser, clock } = opened;
    const { handle } = expectStep(await browser.begin(requestFor(served.clientId)), "sign_in");
    const consent = expectStep(await browser.accept(handle, "ada"), "consent");
    served.change({ redirect_uris: ["https://evil.example/callback"] });
    clock.now = NOW + 60;
    await browser.begin(requestFor(served.clientId));
    expect(await browser.decide(consent.handle, consent.token)).toMatchObject(UNKNOWN);
  });

  it.each<[string, (served: ServedDocument) => void, string]>([
    ["status", (served) => served.answer(answerStatus(404)), "was withdrawn: 404"],
    ["status", (served) => served.answer(answerStatus(410)), "was withdrawn: 410"],
    ["redirected", (served) => served.answer(answerStatus(302, { location: "/other.json" })), "redirects"],
    [
      "client_id_mismatch",
      (served) => served.change({ client_id: "https://app.example/client.json" }),
      "is of another",
    ],
    ["invalid_metadata", (served) => served.change({ redirect_uris: ["javascript:alert(1)"] }), "became invalid"],
  ])("of a known client counts no more when it %s: %s", async (reason, change) => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, browser, clock } = opened;
    await tokensFor(opened, served.clientId);
    change(served);
    clock.now = NOW + 60;
    expect(await browser.begin(requestFor(served.clientId))).toMatchObject(UNKNOWN);
    await expect(asPublic(service, served.clientId)).rejects.toMatchObject({ reason: "invalid_client" });
    expect(served.fetches(), "not again for half a minute").toBe(2);
    expect(await refusals(service)).toContain(reason);
    served.change({ client_id: served.clientId, redirect_uris: [APP_CALLBACK] });
    clock.now = NOW + 90;
    expect(codeIn(await browser.begin(requestFor(served.clientId)))).toBeDefined();
  });

  it("of a known client counts for a day while its server fails", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, browser, clock } = opened;
    await tokensFor(opened, served.clientId);
    for (const [seconds, status, isKnown] of [
      [60, 503, true],
      [DAY, 500, true],
      [DAY + 59, 429, true],
      [DAY + 90, 502, false],
    ] as const) {
      served.answer(answerStatus(status));
      clock.now = NOW + seconds;
      const authenticated = asPublic(service, served.clientId).then(Boolean, () => false);
      expect(await authenticated, String(seconds)).toBe(isKnown);
      const step = await browser.begin(requestFor(served.clientId));
      expect(step.step === "refused", String(seconds)).toBe(!isKnown);
    }
    served.change({});
    clock.now = NOW + 2 * DAY;
    expect((await browser.begin(requestFor(served.clientId))).step).not.toBe("refused");
  });

  it("of a known client is waited for by a second: a slow server makes this one unavailable to nobody", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    const { service, clock } = opened;
    await tokensFor(opened, served.clientId);
    served.answer(() => {});
    clock.now = NOW + 60;
    expect(await asPublic(service, served.clientId)).toMatchObject({ clientId: served.clientId });
  });

  it("is fetched by the authorization endpoint alone where the client is not known", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    await expect(asPublic(opened.service, served.clientId)).rejects.toMatchObject({ reason: "invalid_client" });
    expect(served.fetches()).toBe(0);
  });

  it("is not fetched for a secret that is presented with its URL", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    await opened.browser.begin(requestFor(served.clientId));
    opened.clock.now = NOW + 60;
    const secret = { clientId: served.clientId, clientSecret: "secret" };
    await expect(opened.service.authenticate(secret, "192.0.2.1")).rejects.toMatchObject({ reason: "invalid_client" });
    expect(served.fetches()).toBe(1);
  });

  it("without a name gives the client that of its host", async () => {
    await using served = await serveClientDocument({ client_name: undefined });
    await using opened = await openWithResource();
    const { client } = expectStep(await opened.browser.begin(requestFor(served.clientId)), "sign_in");
    expect(client.name).toBe(`127.0.0.1:${served.port}`);
  });
});

describe("a document that is refused", () => {
  it("as no_open_resource is not even fetched: no stranger causes a request where there is nothing to ask for", async () => {
    await using served = await serveClientDocument();
    await using opened = await openWithResource();
    await opened.service.resources.remove(localCaller, MCP);
    expect(await opened.browser.begin(requestFor(served.clientId))).toEqual(UNKNOWN);
    expect([served.fetches(), await refusals(opened.service)]).toEqual([0, ["no_open_resource"]]);
  });

  it.each<[string, string, (served: ServedDocument) => void]>([
    ["redirected", "redirects", (served) => served.answer(answerStatus(302, { location: "/other.json" }))],
    ["status", "is not found", (served) => served.answer(answerStatus(404))],
    ["too_large", "has 6 KB", (served) => served.change({ padding: "x".repeat(6 * 1024) })],
    ["not_json", "is a page", (served) => served.answer((_, response) => void response.end("<html>"))],
    ["not_json", "is a list", (served) => served.answer(answerJson(() => []))],
    ["client_id_mismatch", "is of another client", (served) => served.change({ client_id: "https://app.example/c" })],
    ["client_id_mismatch", "has no client_id", (served) => served.change({ client_id: undefined })],
    ["client_id_mismatch", "has several", (served) => served.change({ client_id: [served.clientId] })],
    ...Object.entries({
      "has no redirect URI": { redirect_uris: [] },
      "lacks redirect URIs": { redirect_uris: undefined },
      "has a script as redirect URI": { redirect_uris: [APP_CALLBACK, "javascript:alert(1)//"] },
      "has http beyond loopback": { redirect_uris: ["http://app.example/callback"] },
      "has a wildcard": { redirect_uris: ["https://*.app.example/callback"] },
      "has a user name in a redirect URI": { redirect_uris: ["https://app.example@evil.example/callback"] },
      "has a redirect URI with its own code": { redirect_uris: ["https://app.example/callback?code=1"] },
      "has 21 redirect URIs": { redirect_uris: Array.from({ length: 21 }, (_, at) => `https://app.example/${at}`) },
      "has data as logout URI": { post_logout_redirect_uris: ["data:text/html,x"] },
      "has another authentication method": { token_endpoint_auth_method: "private_key_jwt" },
      "authenticates by a secret": { token_endpoint_auth_method: "client_secret_basic" },
      "has a symmetric secret": { client_secret: "secret" },
      "has the expiry of a secret": { client_secret_expires_at: 0 },
      "has only other grants": { grant_types: ["client_credentials"] },
      "has only other response types": { response_types: ["token"] },
      "has a name that is a number": { client_name: 1 },
      "has an empty name": { client_name: " " },
      "has a name that hides characters": { client_name: "Claude\u202e" },
      "has a name of 256 characters": { client_name: "x".repeat(256) },
    }).map(([what, members]): [string, string, (served: ServedDocument) => void] => [
      "invalid_metadata",
      what,
      (served) => served.change(members),
    ]),
  ])("by name, %s, as it %s: the stranger learns nothing of it, and nothing is stored", async (reason, _, change) => {
    await using served = await serveClientDocument();
    change(served);
    await using opened = await openWithResource();
    const step = await opened.browser.begin(requestFor(served.clientId));
    expect(step).toEqual(UNKNOWN);
    expect(await refusals(opened.service)).toEqual([reason]);
    expect(await opened.service.clients.list(localCaller)).toEqual([]);
  });
});

/** Clients by documents over a fetcher with its own resolver, as this server would find them on the internet. */
function openDocuments(fetcher: Partial<FetcherOptions>) {
  const reasons: string[] = [];
  const store = { ...openMemoryStore(), listResources: async () => [aResource({ open: true })] };
  const audit = {
    ...createAuditLog(store, () => NOW),
    countDenial: ({ reason }: { reason: string }) => reasons.push(reason),
  };
  const fetchDocument = createDocumentFetcher({ maxBytes: MAX_DOCUMENT_BYTES, ...fetcher });
  const documents = createClientDocuments({ store, clock: () => NOW, audit, fetchDocument, perAddress: 3 });
  const find = (clientId: string, address?: string) => documents.find(clientId, { address, introduces: true });
  return { find, reasons, store };
}

const APP = "https://app.example/client.json";

describe("the URL of a document", () => {
  it.each([
    ["https://127.0.0.1/client.json", []],
    ["https://[::1]/client.json", []],
    ["https://localhost/client.json", []],
    ["https://169.254.169.254/latest", []],
    [APP, ["127.0.0.1"]],
    [APP, ["169.254.169.254"]],
    [APP, ["fe80::1"]],
    [APP, ["::ffff:127.0.0.1"]],
    [APP, ["10.0.0.1"]],
    [APP, ["203.0.113.9"]],
    [APP, ["93.184.215.14", "192.168.0.1"]],
  ])("%s at %j is refused as not_allowed_address, and connected to nowhere (P26)", async (url, addresses) => {
    await using lure = await countConnections();
    const { find, reasons } = openDocuments({ resolve: async () => addresses });
    expect(await find(url)).toBeUndefined();
    expect(reasons).toEqual(["not_allowed_address"]);
    expect(lure.count().attempts).toBe(0);
  });

  it("is connected to where it was checked, whatever its name server answers next (P26)", async () => {
    const { key, cert } = certificateFor("app.example");
    await using server = await serveByTls(
      answerJson(() => ({ client_id: url, redirect_uris: [APP_CALLBACK] })),
      { key, cert },
    );
    const url = `https://app.example:${server.port}/client.json`;
    const answers = [["127.0.0.1"], ["127.0.0.2"]];
    const resolve = async () => answers.shift() ?? [];
    const { find } = openDocuments({ resolve, ca: cert, isAllowed: (address) => address === "127.0.0.1" });
    expect(await find(url)).toMatchObject({ clientId: url, name: `app.example:${server.port}` });
    expect([server.connections(), answers.length]).toEqual([1, 1]);
  });

  it("is refused as timeout where its server is slow, as unreachable where it has another certificate or none", async () => {
    await using silent = await serveDocuments(() => {});
    const slow = openDocuments({ isAllowed: isLoopbackAddress, timeoutMs: 50 });
    expect(await slow.find(`http://127.0.0.1:${silent.port}/client.json`)).toBeUndefined();
    expect(slow.reasons).toEqual(["timeout"]);
    const { key, cert } = certificateFor("app.example");
    await using server = await serveByTls(
      answerJson(() => ({})),
      { key, cert },
    );
    const untrusted = openDocuments({ isAllowed: isLoopbackAddress, resolve: async () => ["127.0.0.1"] });
    expect(await untrusted.find(`https://app.example:${server.port}/client.json`)).toBeUndefined();
    expect(untrusted.reasons).toEqual(["unreachable"]);
  });

  it.each([
    "https://app.example",
    "https://app.example/",
    "https://app.example/#",
    "https://app.example/client.json#a",
    "https://user@app.example/client.json",
    "https://user:secret@app.example/client.json",
    "https://@app.example/client.json",
    "https://app.example/a/../client.json",
    "https://app.example/./client.json",
    "https://app.example/%2e%2e/client.json",
    "https://App.example/client.json",
    "https://app.example:443/client.json",
    "HTTPS://app.example/client.json",
    "https:app.example/client.json",
    "https:/app.example/client.json",
    "https:\\\\app.example\\client.json",
    "https://app.example/client json",
    "https://app.ex\u0430mple/client.json",
    "http://app.example/client.json",
    `https://app.example/${"x".repeat(236)}`,
    "ftp://app.example/client.json",
    "data:application/json,{}",
  ])("%s is no id of a client: nothing is fetched", async (url) => {
    await using lure = await countConnections();
    const resolve = async () => expect.unreachable();
    const { find, reasons } = openDocuments({ resolve, isAllowed: () => true });
    expect(await find(url)).toBeUndefined();
    expect([reasons, lure.count().attempts]).toEqual([[], 0]);
  });

  it("is fetched for an address three times a minute here, for others still; a known client goes on", async () => {
    let fetches = 0;
    await using server = await serveDocuments((request, response) => {
      fetches += 1;
      const clientId = `http://127.0.0.1:${server.port}${request.url}`;
      answerJson(() => ({ client_id: clientId, redirect_uris: [APP_CALLBACK] }))(request, response);
    });
    const { find } = openDocuments({ isAllowed: isLoopbackAddress });
    const idOf = (name: number) => `http://127.0.0.1:${server.port}/${name}`;
    for (const name of [1, 2, 3]) expect(await find(idOf(name), "192.0.2.1")).toMatchObject({ clientId: idOf(name) });
    await expect(find(idOf(4), "192.0.2.1")).rejects.toMatchObject({ reason: "rate_limited", retryAfter: 60 });
    expect(await find(idOf(1), "192.0.2.1")).toMatchObject({ clientId: idOf(1) });
    expect(await find(idOf(4), "192.0.2.2")).toMatchObject({ clientId: idOf(4) });
    expect(fetches).toBe(4);
  });
});
