import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { receiveLogouts } from "../support/logout-receiver.ts";
import { postForm } from "../support/oauth.ts";
import { openRelyingParty, signInTo } from "../support/relying-party.ts";
import { openServer } from "../support/service.ts";
import { openWebBrowser } from "../support/web-browser.ts";

type Credentials = { clientId: string; clientSecret: string };

let server: Awaited<ReturnType<typeof openServer>>;
let tokens: Record<string, string>;
let accessToken: string;
let asker: Credentials;

beforeAll(async () => {
  server = await openServer({ clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never });
  const { service } = server;
  await using client = await receiveLogouts();
  const shop = await openRelyingParty(server, { backchannelLogoutUri: client.url });
  const browser = openWebBrowser({ server });
  const ended = await signInTo(shop, browser);
  await service.revokeGrant(localCaller, ended.claims()?.sid as string);
  const [{ token: logoutToken = "" } = {}] = await client.arrivals(1);
  const signedIn = await signInTo(shop, openWebBrowser({ server }));
  accessToken = signedIn.access_token;
  tokens = { "an id_token": signedIn.id_token ?? "", "a logout token": logoutToken };
  asker = await addClient(service, { permissions: ["introspect", "revoke", "issue"] });
});
afterAll(() => server[Symbol.asyncDispose]());

describe.each(["an id_token", "a logout token"])("P37: %s is accepted nowhere as an access token", (name) => {
  const presented = () => tokens[name] ?? "";

  it("by verifyToken and introspectToken, with and without an audience", async () => {
    expect(presented()).toMatch(/^eyJ/);
    const { aud } = JSON.parse(Buffer.from(presented().split(".")[1] ?? "", "base64url").toString());
    for (const audience of [undefined, server.url, aud]) {
      const refused = callAs(server.url, { procedure: "verifyToken", input: { token: presented(), audience } });
      expect(await refused).toMatchObject({ status: 401, reason: "invalid_token" });
    }
    const introspected = await callAs(server.url, { procedure: "introspectToken", input: { token: presented() } });
    expect(introspected.data).toEqual({ active: false });
  });

  it("by the introspection endpoint", async () => {
    const { json } = await postForm(server.url, "introspect", { parameters: { token: presented() }, as: asker });
    expect(json).toEqual({ active: false });
  });

  it("by the revocation endpoint: it revokes nothing", async () => {
    const { status } = await postForm(server.url, "revoke", { parameters: { token: presented() }, as: asker });
    expect(status).toBe(200);
    await expect(server.service.verifyToken({ token: accessToken })).resolves.toBeDefined();
  });

  it("by userinfo", async () => {
    const ask = (token: string) =>
      fetch(`${server.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status,
      );
    expect(await ask(presented())).toBe(401);
    expect(await ask(accessToken)).toBe(200);
  });

  it.each([
    ["a refresh token", { grant_type: "refresh_token" }, "refresh_token"],
    ["a code", { grant_type: "authorization_code", redirect_uri: "x", code_verifier: "x".repeat(43) }, "code"],
    ["a device code", { grant_type: "urn:ietf:params:oauth:grant-type:device_code" }, "device_code"],
  ])("by the token endpoint as %s", async (_, given, parameter) => {
    const parameters = { ...given, [parameter]: presented() };
    const { status, json } = await postForm(server.url, "token", { parameters, as: asker });
    expect({ status: status === 400 || status === 401, error: json.error }).toEqual({
      status: true,
      error: "invalid_grant",
    });
  });

  it("by a client assertion", async () => {
    const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const assertion = { client_assertion: presented(), client_assertion_type: type };
    const parameters = { grant_type: "client_credentials", client_id: asker.clientId, ...assertion };
    expect(await postForm(server.url, "token", { parameters })).toMatchObject({
      status: 401,
      json: { error: "invalid_client" },
    });
  });

  it("by a verifier that follows the issuer, and by one that knows its keys alone", async () => {
    for (const follow of [true, false]) {
      const verifier = createVerifier({ issuer: server.url, audience: server.url, follow });
      try {
        await verifier.ready;
        await expect(verifier.verify(presented())).rejects.toMatchObject({ reason: "invalid_token" });
        await expect(verifier.verify(accessToken)).resolves.toMatchObject({ sub: "ada" });
      } finally {
        verifier.close();
      }
    }
  });
});
