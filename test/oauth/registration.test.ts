import { decodeJwt } from "jose";
import { describe, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { APP_CALLBACK, asPublic, MCP, openWithResource, requestFor, tokensFor } from "../support/client-documents.ts";
import { encodeForm, FORM } from "../support/oauth.ts";
import { codeFor, openBrowser, VERIFIER } from "../support/people.ts";
import { send } from "../support/request.ts";
import { NOW, openServer } from "../support/service.ts";

const METADATA = { client_name: "Notes app", redirect_uris: [APP_CALLBACK] };
const REFRESHING = { ...METADATA, grant_types: ["authorization_code", "refresh_token"] };
const DAY = 86_400;
const ADDRESS = "192.0.2.1";

const signIn = () => ({ subject: "ada" });
const openRegistration = (options: object = {}) =>
  openServer({ open: false, registration: "open", ...options }, { signIn });

async function register(url: string, metadata: unknown, headers: Record<string, string> = {}) {
  const body = typeof metadata === "string" ? metadata : JSON.stringify(metadata);
  const all = { "content-type": "application/json", ...headers };
  const answer = await send(`${url}/oauth/register`, { method: "POST", headers: all, body });
  return { ...answer, json: JSON.parse(answer.text) as Record<string, unknown> };
}

describe("client registration", () => {
  it("answers with what was registered (RFC 7591 §3.2.1)", async () => {
    await using server = await openRegistration();
    const metadata = { ...REFRESHING, post_logout_redirect_uris: ["https://app.example/"], response_types: ["code"] };
    const { status, headers, json } = await register(server.url, metadata);
    expect([status, headers["cache-control"], headers["content-type"]]).toEqual([201, "no-store", "application/json"]);
    expect(json).toEqual({
      client_id: expect.stringMatching(/^[\da-f-]{36}$/),
      client_id_issued_at: NOW,
      ...metadata,
      token_endpoint_auth_method: "none",
    });
    const { json: bare } = await register(server.url, { redirect_uris: ["http://127.0.0.1:8080/callback"] });
    expect(bare).toMatchObject({ client_name: "127.0.0.1", grant_types: ["authorization_code"] });
  });

  it("gives no right by what a client says of itself (P27)", async () => {
    await using server = await openRegistration();
    const rights = { permissions: ["admin"], roles: ["admin"], first_party: true, scope: "*", audiences: ["*"] };
    const { json } = await register(server.url, { ...METADATA, ...rights, jwks_uri: "https://app.example/jwks" });
    expect(await server.service.clients.list(localCaller)).toEqual([
      {
        clientId: json.client_id,
        name: "Notes app",
        permissions: [],
        scopes: ["*"],
        audiences: [],
        anySubject: false,
        authMethod: "none",
        grants: ["authorization_code"],
        redirectUris: [APP_CALLBACK],
        createdAt: NOW,
        secrets: [],
        introduced: "registration",
      },
    ]);
  });

  it.each<[string, unknown, string]>([
    ["no redirect URI", { redirect_uris: [] }, "invalid_redirect_uri"],
    ["redirect URIs missing", {}, "invalid_redirect_uri"],
    ["a script as redirect URI", { redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
    ["http beyond loopback", { redirect_uris: ["http://app.example/"] }, "invalid_redirect_uri"],
    ["a fragment", { redirect_uris: ["https://app.example/#a"] }, "invalid_redirect_uri"],
    ["21 redirect URIs", { redirect_uris: Array(21).fill(APP_CALLBACK) }, "invalid_redirect_uri"],
    ["a secret", { ...METADATA, token_endpoint_auth_method: "client_secret_basic" }, "invalid_client_metadata"],
    ["keys", { ...METADATA, token_endpoint_auth_method: "private_key_jwt" }, "invalid_client_metadata"],
    ["only other grants", { ...METADATA, grant_types: ["password"] }, "invalid_client_metadata"],
    ["only other response types", { ...METADATA, response_types: ["token"] }, "invalid_client_metadata"],
    ["a name that hides characters", { ...METADATA, client_name: "Claude\u202e" }, "invalid_client_metadata"],
    ["a blank name", { ...METADATA, client_name: "\u2800" }, "invalid_client_metadata"],
    ["a name of marks alone", { ...METADATA, client_name: " \u0301" }, "invalid_client_metadata"],
    ["a name that is a list", { ...METADATA, client_name: ["a"] }, "invalid_client_metadata"],
    ["data as logout URI", { ...METADATA, post_logout_redirect_uris: ["data:,x"] }, "invalid_client_metadata"],
    ["a list", [METADATA], "invalid_client_metadata"],
    ["a member twice", '{"redirect_uris":[],"redirect_uris":[]}', "invalid_client_metadata"],
    ["no JSON", "redirect_uris=x", "invalid_client_metadata"],
    ["nothing", "", "invalid_client_metadata"],
  ])("refuses %s (RFC 7591 §3.2.2)", async (_, metadata, error) => {
    await using server = await openRegistration();
    const { status, json } = await register(server.url, metadata);
    expect([status, json]).toEqual([
      400,
      { error, error_description: expect.any(String), error_reason: "invalid_request" },
    ]);
    expect(await server.service.clients.list(localCaller)).toEqual([]);
  });

  it("refuses a form, a query, a compressed body and more than 5 KiB", async () => {
    await using server = await openRegistration();
    const refused = async (...call: Parameters<typeof register>) => {
      const { status, json } = await register(...call);
      return [status, json.error];
    };
    const { url } = server;
    expect(await refused(url, METADATA, { "content-type": FORM })).toEqual([400, "invalid_client_metadata"]);
    expect(await refused(url, METADATA, { "content-encoding": "gzip" })).toEqual([400, "invalid_client_metadata"]);
    const padded = { ...METADATA, padding: "x".repeat(5 * 1024) };
    expect(await refused(url, padded)).toEqual([413, "invalid_request"]);
    const { status } = await send(`${url}/oauth/register?a=b`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(METADATA),
    });
    expect(status).toBe(400);
  });

  it("is off unless it is open, without key pairs, and where nobody signs in; the metadata says so", async () => {
    for (const [options, edge, isThere] of [
      [{ registration: "open" }, { signIn }, true],
      [{}, { signIn }, false],
      [{ registration: "open", secret: "correct horse battery staple, twice over" }, {}, false],
      [{ registration: "open" }, {}, false],
    ] as const) {
      await using server = await openServer({ open: false, ...options }, edge);
      const { text } = await send(`${server.url}/.well-known/oauth-authorization-server`);
      const { issuer, registration_endpoint } = JSON.parse(text);
      expect(registration_endpoint).toBe(isThere ? `${issuer}/oauth/register` : undefined);
      const { status } = await send(`${server.url}/oauth/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(METADATA),
      });
      expect(status).toBe(isThere ? 201 : 404);
    }
  });

  it("is limited to 20 a minute of an address", async () => {
    await using opened = await openWithResource({ open: false, registration: "open" });
    const { registration } = opened.service;
    for (let count = 0; count < 20; count += 1) await registration?.register(METADATA, ADDRESS);
    await expect(registration?.register(METADATA, ADDRESS)).rejects.toMatchObject({ reason: "rate_limited" });
    await registration?.register(METADATA, "192.0.2.2");
  });

  it("is open to pages of every origin, without cookies", async () => {
    await using server = await openRegistration();
    const ofPage = { origin: "https://inspector.example", "sec-fetch-site": "cross-site" };
    const preflight = await send(`${server.url}/oauth/register`, {
      method: "OPTIONS",
      headers: { ...ofPage, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });
    expect([preflight.status, preflight.headers["access-control-allow-origin"]]).toEqual([204, "*"]);
    expect(preflight.headers["access-control-allow-headers"]).toBe("*");
    const { status, headers } = await register(server.url, METADATA, ofPage);
    expect([status, headers["access-control-allow-origin"]]).toEqual([201, "*"]);
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });
});

describe("a registered client", () => {
  const registered = async (service: Awaited<ReturnType<typeof openWithResource>>["service"], metadata: object) =>
    (await service.registration?.register(metadata as never, undefined))?.clientId ?? expect.fail();

  it("signs people in at an open resource after they agree, and refreshes where it asked for the grant", async () => {
    await using opened = await openWithResource({ registration: "open" });
    const { service } = opened;
    const clientId = await registered(service, REFRESHING);
    const { token, refreshToken = "" } = await tokensFor(opened, clientId);
    expect(decodeJwt(token)).toMatchObject({ aud: MCP, client_id: clientId, scope: "tools:read offline_access" });
    expect(await service.refreshToken(await asPublic(service, clientId), { refreshToken })).toHaveProperty("token");
    const other = await registered(service, METADATA);
    expect((await opened.browser.begin(requestFor(other))).step).toBe("consent");
    expect(await tokensFor(opened, other)).not.toHaveProperty("refreshToken");
  });

  it("that never received a token goes after a day, another 90 days after its last one", async () => {
    await using opened = await openWithResource({ registration: "open", refreshIdle: DAY });
    const { service, clock } = opened;
    const [unused, used] = [await registered(service, METADATA), await registered(service, REFRESHING)];
    const idsAfter = async (seconds: number, hours: number) => {
      clock.now = NOW + seconds;
      const then = vi.spyOn(performance, "now").mockReturnValue(performance.now() + hours * 3_600_000);
      await service.maintenance().finally(() => then.mockRestore());
      return (await service.clients.list(localCaller)).map(({ clientId }) => clientId).toSorted();
    };
    await tokensFor(opened, used);
    const stranger = asPublic(service, unused);
    await stranger;
    await idsAfter(0, 0);
    expect(await idsAfter(DAY, 2), "unused for a day, to the second").toEqual([unused, used].toSorted());
    expect(await idsAfter(DAY + 1, 4)).toEqual([unused, used].toSorted());
    expect(await idsAfter(DAY + 2, 6), "certainly").toEqual([used]);
    expect(await idsAfter(90 * DAY, 8)).toEqual([used]);
    await idsAfter(90 * DAY + 10, 10);
    expect(await idsAfter(90 * DAY + 20, 12)).toEqual([]);
  });
});

describe("a page of a client that introduced itself", () => {
  const ORIGIN = new URL(APP_CALLBACK).origin;
  const corsOf = (headers: Record<string, unknown>) => headers["access-control-allow-origin"];

  it("may exchange its code and refresh, on the origin of its redirect URI, for its own client", async () => {
    await using server = await openRegistration();
    const { service, url } = server;
    await service.resources.create(localCaller, { audience: MCP, name: "Notes", scopes: {}, open: true });
    const { json } = await register(url, REFRESHING);
    const clientId = String(json.client_id);
    const code = await codeFor(openBrowser(service), requestFor(clientId));
    const post = (origin: string, client_id: string) =>
      send(`${url}/oauth/token`, {
        method: "POST",
        headers: { "content-type": FORM, origin, "sec-fetch-site": "cross-site" },
        body: encodeForm({
          grant_type: "authorization_code",
          client_id,
          code,
          redirect_uri: APP_CALLBACK,
          code_verifier: VERIFIER,
        }),
      });
    for (const origin of ["https://evil.example", "null", "http://app.example"]) {
      const { status, headers } = await post(origin, clientId);
      expect([status, corsOf(headers)], origin).toEqual([403, undefined]);
    }
    const stranger = await post(ORIGIN, "stranger");
    expect([stranger.status, corsOf(stranger.headers)]).toEqual([403, undefined]);
    const { status, headers, text } = await post(ORIGIN, clientId);
    expect([status, corsOf(headers), headers.vary]).toEqual([200, ORIGIN, "origin"]);
    expect(JSON.parse(text)).toHaveProperty("refresh_token");
    expect(await service.publicOrigins()).toEqual(new Set());
  });
});
