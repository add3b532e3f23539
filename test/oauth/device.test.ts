import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import { addClient } from "../support/clients.ts";
import { postForm } from "../support/oauth.ts";
import { addResource, MCP } from "../support/resources.ts";
import { openServer } from "../support/service.ts";
import { fieldsIn, openWebBrowser, type WebBrowser } from "../support/web-browser.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPE = "openid offline_access tools:read";

const DEVICES: Record<string, Partial<NewClient>> = {
  "a public client": { authMethod: "none" },
  "a client with a secret": { authMethod: "client_secret_basic" },
};

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer({ clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never });
  await addResource(server.service);
});
afterAll(() => server[Symbol.asyncDispose]());

const addDevice = (fields: Partial<NewClient> = { authMethod: "none" }) =>
  addClient(server.service, {
    name: "Living room TV",
    grants: ["device_code", "refresh_token"],
    scopes: ["tools:read"],
    audiences: [MCP],
    ...fields,
  });

/** The person opens the link, confirms the code, signs in and decides. */
async function approve(browser: WebBrowser, uri: string, decision: "allow" | "deny" = "allow") {
  const page = await browser.get(uri);
  expect(page.status).toBe(200);
  const signIn = await browser.follow(await browser.post("/device", fieldsIn(page)));
  const consent = await browser.signIn(signIn);
  expect(consent.text).toContain("Living room TV");
  return browser.decide(consent, decision);
}

describe.each(Object.entries(DEVICES))("%s", (_, fields) => {
  it("gets tokens by openid-client, once the person has agreed", async () => {
    const { clientId, clientSecret } = await addDevice(fields);
    const by = clientSecret === "" ? openid.None() : openid.ClientSecretBasic(clientSecret);
    const options = { execute: [openid.allowInsecureRequests] };
    const config = await openid.discovery(new URL(server.url), clientId, undefined, by, options);
    const begun = await openid.initiateDeviceAuthorization(config, { scope: SCOPE, resource: MCP });
    expect(begun).toMatchObject({ verification_uri: `${server.url}/device`, expires_in: 600, interval: 5 });
    const browser = openWebBrowser({ server });
    const done = await approve(browser, begun.verification_uri_complete ?? "");
    expect(done).toMatchObject({ status: 200, location: "" });
    // Polls at once: the interval is for a device that does not know when the person decides.
    const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...begun, interval: 0 });
    expect(tokens).toMatchObject({ token_type: "bearer", scope: SCOPE });
    expect(tokens.claims()).toMatchObject({ iss: server.url, aud: clientId, sub: "ada", sid: expect.any(String) });
    const claims = await server.service.verifyToken({ token: tokens.access_token, audience: MCP, scope: "tools:read" });
    expect(claims).toMatchObject({ sub: "ada", client_id: clientId, sid: tokens.claims()?.sid });
    const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(next.access_token).not.toBe(tokens.access_token);
  });

  it("gets the errors of RFC 8628 §3.5 by oauth4webapi, until the person denies", async () => {
    const { clientId: client_id, clientSecret } = await addDevice(fields);
    const http = { [oauth.allowInsecureRequests]: true };
    const url = new URL(server.url);
    const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, http));
    const client = { client_id };
    const by = clientSecret === "" ? oauth.None() : oauth.ClientSecretBasic(clientSecret);
    const response = await oauth.deviceAuthorizationRequest(as, client, by, new URLSearchParams(), http);
    const { device_code, user_code } = await oauth.processDeviceAuthorizationResponse(as, client, response);
    const poll = async () => {
      const answer = await oauth.deviceCodeGrantRequest(as, client, by, device_code, http);
      return oauth.processDeviceCodeResponse(as, client, answer).catch(({ error }) => error);
    };
    expect([await poll(), await poll()]).toEqual(["authorization_pending", "slow_down"]);
    const browser = openWebBrowser({ server });
    const typed = await browser.get("/device");
    const form = { ...fieldsIn(typed), user_code: user_code.toLowerCase().replace("-", "") };
    const consent = await browser.signIn(await browser.follow(await browser.post("/device", form)));
    expect(await browser.decide(consent, "deny")).toMatchObject({ status: 200, location: "" });
    expect(await poll()).toBe("access_denied");
  });
});

describe("the device authorization endpoint", () => {
  it.each([
    ["an unknown client", { client_id: "unknown" }, { status: 401, json: { error: "invalid_client" } }],
    ["a client without the grant type", {}, { status: 400, json: { error: "unauthorized_client" } }],
    ["a scope that it may not have", { scope: "admin" }, { status: 400, json: { error: "invalid_scope" } }],
    ["a scope that is none", { scope: 'a"b' }, { status: 400, json: { error: "invalid_scope" } }],
    [
      "an unknown resource",
      { resource: "https://unknown.example" },
      { status: 400, json: { error: "invalid_target" } },
    ],
  ])("refuses %s by the error of RFC 6749", async (name, parameters, refusal) => {
    const grants: NewClient["grants"] = name.includes("grant type") ? ["refresh_token"] : ["device_code"];
    const { clientId } = await addDevice({ authMethod: "none", grants });
    const answer = await postForm(server.url, "device", { parameters: { client_id: clientId, ...parameters } });
    expect(answer).toMatchObject(refusal);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("does not answer to GET, and to no page of another site", async () => {
    const { clientId: client_id } = await addDevice();
    expect((await fetch(`${server.url}/oauth/device`)).status).toBe(405);
    const headers = { origin: "https://evil.example" };
    const answer = await postForm(server.url, "device", { parameters: { client_id }, headers });
    expect(answer).toMatchObject({ status: 403, json: { error_reason: "forbidden_origin" } });
  });
});

describe("the page for user codes", () => {
  async function begin() {
    const { clientId: client_id } = await addDevice();
    const { json } = await postForm(server.url, "device", { parameters: { client_id } });
    const poll = () =>
      postForm(server.url, "token", {
        parameters: { client_id, grant_type: GRANT, device_code: String(json.device_code) },
      });
    return { userCode: String(json.user_code), poll };
  }

  it("P18: leaves a code to the browser that entered it first", async () => {
    const { userCode, poll } = await begin();
    const [first, second] = [openWebBrowser({ server }), openWebBrowser({ server })];
    const enter = async (browser: WebBrowser) => {
      const page = await browser.get(`/device?user_code=${userCode}`);
      return browser.post("/device", fieldsIn(page));
    };
    expect(await enter(first)).toMatchObject({ status: 303 });
    expect(await enter(second)).toMatchObject({ status: 400, location: "" });
    expect((await poll()).json.error).toBe("authorization_pending");
  });

  it("P14: takes no form of another site, and none without its token", async () => {
    const { userCode } = await begin();
    const browser = openWebBrowser({ server });
    const page = await browser.get(`/device?user_code=${userCode}`);
    const fields = fieldsIn(page);
    expect(fields).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/), user_code: userCode });
    expect(await browser.postFrom("https://evil.example", "/device", fields)).toMatchObject({ status: 403 });
    for (const token of ["", "x".repeat(43)])
      expect(await browser.post("/device", { ...fields, token })).toMatchObject({ status: 200, location: "" });
    // A code belongs to nobody before it was sent with the token.
    const other = openWebBrowser({ server });
    const own = fieldsIn(await other.get(`/device?user_code=${userCode}`));
    expect(await other.post("/device", own)).toMatchObject({ status: 303 });
  });

  it("has the headers of a page that nothing frames or stores", async () => {
    const { headers } = await openWebBrowser({ server }).get("/device");
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  });

  it("shows an unknown code again, as text", async () => {
    const browser = openWebBrowser({ server });
    const { token = "" } = fieldsIn(await browser.get("/device"));
    const shown = await browser.post("/device", { token, user_code: '"><script>' });
    expect(shown.status).toBe(400);
    expect(shown.text).not.toContain("<script>");
    expect(fieldsIn(shown).user_code).toBe('"><script>');
    expect(fieldsIn(await browser.get("/device?user_code=%3Cscript%3E")).user_code).toBe("");
  });

  it("answers 429 to a guesser", async () => {
    const browser = openWebBrowser({ server });
    const { token = "" } = fieldsIn(await browser.get("/device"));
    const guess = () => browser.post("/device", { token, user_code: "BBBB-BBBB" });
    for (let count = 0; count < 10; count += 1) expect(await guess()).toMatchObject({ status: 400 });
    const refused = await guess();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  });

  it.each([
    ["a repeated parameter", "user_code=BBBB-BBBB&user_code=CCCC-CCCC"],
    ["a malformed escape", "user_code=%ZZ"],
  ])("answers %s by a page with status 400", async (_, query) => {
    expect(await openWebBrowser({ server }).get(`/device?${query}`)).toMatchObject({ status: 400 });
  });
});
