import { describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { isRegisteredUri } from "../../../src/service/clients/redirect-uri.ts";
import {
  addWebClient,
  authorizationRequest,
  CHALLENGE,
  expectStep,
  openPeople,
  REDIRECT_URI,
} from "../../support/people.ts";
import { ISSUER } from "../../support/service.ts";

/** Look-alikes of the redirect URI https://shop.example/callback. */
const SIMILAR_URIS = [
  "https://shop.example/callback/",
  "https://shop.example/callback/..",
  "https://shop.example/callback/../evil",
  "https://shop.example/callback/%2e%2e/evil",
  "https://shop.example/callback?x=1",
  "https://shop.example/callback#",
  "https://shop.example/callback#x",
  "https://shop.example/callback%00",
  "https://shop.example/callback%20",
  "https://shop.example/callback ",
  " https://shop.example/callback",
  "https://shop.example/Callback",
  "https://shop.example/call%62ack",
  "https://shop.example//callback",
  "https://shop.example/callback;x",
  "https://shop.example/call",
  "https://shop.example/callbackx",
  "https://shop.example/",
  "https://shop.example",
  "https://SHOP.example/callback",
  "HTTPS://shop.example/callback",
  "https://shop.example:443/callback",
  "https://shop.example:8443/callback",
  "https://shop.example./callback",
  "https://shop.example.evil.example/callback",
  "https://evil.example/callback",
  "https://evil-shop.example/callback",
  "https://x.shop.example/callback",
  "https://shop.example@evil.example/callback",
  "https://user@shop.example/callback",
  "https://evil.example\\@shop.example/callback",
  "https://evil.example/https://shop.example/callback",
  "https://evil.example?https://shop.example/callback",
  "https:/shop.example/callback",
  "https:shop.example/callback",
  "//shop.example/callback",
  "/callback",
  "http://shop.example/callback",
  "ftp://shop.example/callback",
  "javascript:alert(1)//https://shop.example/callback",
  "data:text/html,https://shop.example/callback",
  "https://shop.example/callback\r\nLocation: https://evil.example",
  "https://shop.example/callback\t",
  "https://shop.exаmple/callback",
  "https://*.example/callback",
  "https://shop.example/*",
  "",
];

describe("a redirect URI", () => {
  it.each(SIMILAR_URIS)("is not registered by a look-alike: %j (P2)", (uri) => {
    expect(isRegisteredUri(uri, [REDIRECT_URI])).toBe(false);
  });

  it.each([
    ["http://127.0.0.1:51234/callback?a=1", true],
    ["http://127.0.0.1/callback?a=1", true],
    ["http://127.0.0.1:1/callback?a=1", true],
    ["http://127.0.0.1:65535/callback?a=1", true],
    ["http://[::1]:51234/callback", true],
    ["http://localhost:51234/callback", true],
    ["http://localhost:4000/fixed", true],
    ["http://localhost:4001/fixed", false],
    ["http://localhost/fixed", false],
    ["http://127.0.0.1:51234/callback", false],
    ["http://127.0.0.1:51234/callback?a=2", false],
    ["http://127.0.0.1:51234/callback/?a=1", false],
    ["http://127.0.0.1:0/callback?a=1", false],
    ["http://127.0.0.1:65536/callback?a=1", false],
    ["http://127.0.0.1:051234/callback?a=1", false],
    ["http://127.0.0.1:/callback?a=1", false],
    ["http://127.0.0.1:1@evil.example/callback?a=1", false],
    ["http://127.0.0.1:80:80/callback?a=1", false],
    ["http://127.0.0.2:51234/callback?a=1", false],
    ["http://127.1:51234/callback?a=1", false],
    ["https://127.0.0.1:51234/callback?a=1", false],
    ["http://localhost.evil.example:1/callback", false],
    ["http://evil.example:1/callback", false],
    ["https://shop.example:1/callback", false],
  ])("on loopback without a port takes any port, and nothing else (P3): %s %s", (uri, isRegistered) => {
    const registered = [
      "http://127.0.0.1/callback?a=1",
      "http://[::1]/callback",
      "http://localhost/callback",
      "http://localhost:4000/fixed",
      "https://shop.example/callback",
    ];
    expect(isRegisteredUri(uri, registered)).toBe(isRegistered);
  });
});

describe("an authorization request", () => {
  it.each([
    ["no client", { client_id: undefined }, "unknown_client"],
    ["an unknown client", { client_id: "nobody" }, "unknown_client"],
    ["no redirect URI", { redirect_uri: undefined }, "unknown_redirect_uri"],
    ["a foreign redirect URI", { redirect_uri: "https://evil.example/" }, "unknown_redirect_uri"],
    [
      "a foreign redirect URI and another error",
      { redirect_uri: "https://evil.example/", scope: '"' },
      "unknown_redirect_uri",
    ],
  ] as const)("with %s is refused here, and sent nowhere (P1)", async (_name, more, reason) => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    expect(await browser.begin(authorizationRequest(clientId, more))).toEqual({ step: "refused", reason });
  });

  it("of a client without the grant is refused here", async () => {
    await using opened = await openPeople();
    const { service, browser } = opened;
    const machine = await addWebClient(service, { redirectUris: [], permissions: ["issue"] });
    const step = await browser.begin(authorizationRequest(machine.clientId));
    expect(step).toEqual({ step: "refused", reason: "unknown_client" });
  });

  it.each([
    ["no response type", { response_type: undefined }, "invalid_request"],
    ["the response type token", { response_type: "token" }, "unsupported_response_type"],
    ["the response type code token", { response_type: "code token" }, "unsupported_response_type"],
    ["the response type id_token", { response_type: "id_token" }, "unsupported_response_type"],
    ["the response type none", { response_type: "none" }, "unsupported_response_type"],
    ["the response mode fragment", { response_mode: "fragment" }, "invalid_request"],
    ["the response mode web_message", { response_mode: "web_message" }, "invalid_request"],
    ["no PKCE (P7)", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["PKCE without a method (P7)", { code_challenge_method: undefined }, "invalid_request"],
    ["PKCE by plain (P7)", { code_challenge_method: "plain" }, "invalid_request"],
    ["PKCE by another method (P7)", { code_challenge_method: "s256" }, "invalid_request"],
    ["no challenge (P7)", { code_challenge: undefined }, "invalid_request"],
    ["a short challenge (P7)", { code_challenge: "x".repeat(42) }, "invalid_request"],
    ["a long challenge (P7)", { code_challenge: "x".repeat(44) }, "invalid_request"],
    ["a challenge of other characters (P7)", { code_challenge: `${CHALLENGE.slice(1)}+` }, "invalid_request"],
    ["a request object (P11)", { request: "eyJhbGciOiJub25lIn0.e30." }, "request_not_supported"],
    ["a request URI (P11)", { request_uri: "urn:x" }, "request_uri_not_supported"],
    ["a registration (P11)", { registration: "{}" }, "registration_not_supported"],
    ["a malformed scope", { scope: 'a"b' }, "invalid_scope"],
    ["an unknown prompt", { prompt: "create" }, "invalid_request"],
    ["prompt none and login", { prompt: "none login" }, "invalid_request"],
    ["a negative max_age", { max_age: "-1" }, "invalid_request"],
    ["a max_age in words", { max_age: "soon" }, "invalid_request"],
    ["a NUL in the login hint", { login_hint: "a\u0000" }, "invalid_request"],
    ["a NUL in the nonce", { nonce: "a\u0000" }, "invalid_request"],
    ["a nonce of 501 characters", { nonce: "x".repeat(501) }, "invalid_request"],
    ["a state of 2,001 characters", { state: "x".repeat(2001) }, "invalid_request"],
  ])("with %s is answered by an error to the client, with iss once (P10)", async (_name, more, error) => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const step = expectStep(await browser.begin(authorizationRequest(clientId, more)), "redirect");
    const { state = "xyz" } = more as { state?: string };
    expect(step).toEqual({
      step: "redirect",
      redirectUri: REDIRECT_URI,
      responseMode: "query",
      parameters: {
        error,
        error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
        state,
        iss: ISSUER,
      },
    });
  });

  it("gets an error by form_post where it asked for that", async () => {
    await using opened = await openPeople();
    const { browser, clientId } = opened;
    const request = authorizationRequest(clientId, { response_mode: "form_post", prompt: "none", state: undefined });
    const step = expectStep(await browser.begin(request), "redirect");
    expect(step.responseMode).toBe("form_post");
    expect(step.parameters).not.toHaveProperty("state");
  });

  it.each([
    ["an unknown resource", {}, ["https://unknown.example"], "invalid_target"],
    ["a resource that the client may not have (P22)", {}, ["https://api.example"], "invalid_target"],
    ["a scope that the client does not have (P22)", { scope: "orders:write" }, [], "invalid_scope"],
  ])("for %s is refused", async (...[, more, resources, error]) => {
    await using opened = await openPeople({ scopes: ["orders:read"] });
    const { service, browser, clientId } = opened;
    const resource = {
      audience: "https://api.example",
      name: "API",
      scopes: { "orders:read": "Read orders" },
      open: false,
    };
    await service.resources.create(localCaller, resource);
    const step = await browser.begin(authorizationRequest(clientId, more, resources));
    expect(expectStep(step, "redirect").parameters).toMatchObject({ error });
  });

  it("shows the resource and the words of its scopes", async () => {
    await using opened = await openPeople({ audiences: ["https://api.example"] });
    const { service, browser, clientId } = opened;
    const resource = {
      audience: "https://api.example",
      name: "Orders",
      scopes: { "orders:read": "Read your orders" },
      open: false,
    };
    await service.resources.create(localCaller, resource);
    const request = authorizationRequest(clientId, { scope: "orders:read" }, ["https://api.example"]);
    const { handle } = expectStep(await browser.begin(request), "sign_in");
    expect(expectStep(await browser.accept(handle, "ada"), "consent")).toMatchObject({
      resources: [{ audience: "https://api.example", name: "Orders" }],
      scopes: [{ name: "orders:read", description: "Read your orders" }],
    });
  });

  it("is stored for one address at most 1,000 times a minute", async () => {
    await using opened = await openPeople({}, { open: false });
    const { browser, clientId } = opened;
    browser.cookies.address = "192.0.2.7";
    for (let count = 0; count < 1000; count += 1) await browser.begin(authorizationRequest(clientId));
    const step = await browser.begin(authorizationRequest(clientId));
    expect(step).toMatchObject({ step: "refused", reason: "rate_limited", retryAfter: expect.any(Number) });
  });
});
