import * as openid from "openid-client";
import { describe, expect, it } from "vitest";
import { createFetchHandler } from "../../src/http/fetch-handler.ts";
import { send } from "../support/request.ts";
import { openServer, openService } from "../support/service.ts";

const PATH = "/.well-known/oauth-authorization-server";
const OPENID_PATH = "/.well-known/openid-configuration";
const signIn = () => ({ subject: "ada" });
const SECRET = "correct horse battery staple, twice over";

const metadataAt = async (url: string, headers: Record<string, string> = {}) =>
  JSON.parse((await send(url, { headers })).text);

describe("the metadata of the authorization server (RFC 8414)", () => {
  it("is cacheable, and can be read by pages of every origin", async () => {
    await using server = await openServer();
    const { status, headers } = await send(server.url + PATH, { headers: { origin: "https://any.example" } });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "public, max-age=600",
      "access-control-allow-origin": "*",
    });
    const known = { "if-none-match": String(headers.etag) };
    expect(await send(server.url + PATH, { headers: known })).toMatchObject({ status: 304 });
    expect(await send(server.url + PATH, { method: "POST" })).toMatchObject({ status: 405 });
  });

  it("has the configured issuer, and URLs below it", async () => {
    await using server = await openServer({ issuer: "https://id.example", open: false });
    const methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    const algorithms = ["ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"];
    expect(await metadataAt(server.url + PATH)).toEqual({
      issuer: "https://id.example",
      token_endpoint: "https://id.example/oauth/token",
      token_endpoint_auth_methods_supported: [...methods, "none"],
      token_endpoint_auth_signing_alg_values_supported: algorithms,
      grant_types_supported: ["client_credentials", "refresh_token"],
      response_types_supported: [],
      introspection_endpoint: "https://id.example/oauth/introspect",
      introspection_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_signing_alg_values_supported: algorithms,
      introspection_signing_alg_values_supported: ["ES256"],
      revocation_endpoint: "https://id.example/oauth/revoke",
      revocation_endpoint_auth_methods_supported: [...methods, "none"],
      revocation_endpoint_auth_signing_alg_values_supported: algorithms,
      jwks_uri: "https://id.example/.well-known/jwks.json",
    });
  });

  it("names what signs people in, where they can", async () => {
    await using server = await openServer({ issuer: "https://id.example/auth", open: false }, { signIn });
    const metadata = await metadataAt(server.url + PATH);
    expect(metadata).toMatchObject({
      issuer: "https://id.example/auth",
      authorization_endpoint: "https://id.example/auth/oauth/authorize",
      device_authorization_endpoint: "https://id.example/auth/oauth/device",
      grant_types_supported: expect.arrayContaining(["client_credentials", "refresh_token", "authorization_code"]),
      response_types_supported: ["code"],
      response_modes_supported: ["query", "form_post"],
      scopes_supported: ["openid", "profile", "email", "phone", "address", "offline_access"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
      prompt_values_supported: expect.arrayContaining(["none", "login", "consent"]),
      client_id_metadata_document_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
    });
    const answer = await send(server.url + OPENID_PATH, { headers: { origin: "https://any.example" } });
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "public, max-age=600",
      "access-control-allow-origin": "*",
    });
    // OpenID Connect Discovery §3: all that is required, and what differs from its defaults.
    expect(JSON.parse(answer.text)).toEqual({
      ...metadata,
      userinfo_endpoint: "https://id.example/auth/oauth/userinfo",
      end_session_endpoint: "https://id.example/auth/oauth/logout",
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      claims_supported: expect.arrayContaining(["sub", "iss", "auth_time", "sid", "name", "email", "address"]),
      claims_parameter_supported: false,
    });
  });

  it("of an OpenID provider is found by either rule, and is discovered by openid-client", async () => {
    await using server = await openServer({ issuer: "https://id.example/auth", open: false }, { signIn });
    for (const at of [OPENID_PATH, `/auth${OPENID_PATH}`, `${OPENID_PATH}/auth`])
      expect([at, (await metadataAt(server.url + at)).issuer]).toEqual([at, "https://id.example/auth"]);
    for (const at of [`${OPENID_PATH}/`, `${OPENID_PATH}/other`, `/${OPENID_PATH}`])
      expect([at, (await send(server.url + at)).status]).toEqual([at, 404]);
    const ofServer = (url: string, options: object) => fetch(url.replace("https://id.example", server.url), options);
    for (const algorithm of ["oidc", "oauth2"] as const) {
      const found = await openid.discovery(new URL("https://id.example/auth"), "web", undefined, openid.None(), {
        algorithm,
        [openid.customFetch]: ofServer,
      });
      expect(found.serverMetadata().authorization_endpoint).toBe("https://id.example/auth/oauth/authorize");
    }
  });

  it.each(["https://id.example/auth", "https://id.example/auth/", "https://id.example/a/b"])(
    "of the issuer %s is found below it, and before its path",
    async (issuer) => {
      await using server = await openServer({ issuer, open: false });
      const base = issuer.replace(/\/$/, "");
      const path = new URL(base).pathname;
      const expected = { issuer, jwks_uri: `${base}/.well-known/jwks.json` };
      for (const at of [PATH, path + PATH, PATH + path])
        expect(await metadataAt(server.url + at)).toMatchObject(expected);
      for (const at of [`${PATH}${path}/`, `${PATH}/other`, `/${PATH}`, `${PATH}/`])
        expect([at, (await send(server.url + at)).status]).toEqual([at, 404]);
    },
  );

  it("contains nothing of a request", async () => {
    await using server = await openServer({ issuer: "https://id.example", open: false });
    const plain = await metadataAt(server.url + PATH);
    for (const headers of [
      { host: "evil.example" },
      { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "x-forwarded-prefix": "/evil" },
      { forwarded: "host=evil.example;proto=http" },
      { origin: "https://evil.example" },
    ])
      expect(await metadataAt(server.url + PATH, headers)).toEqual(plain);
    expect(await metadataAt(`${server.url}${PATH}?issuer=https://evil.example`)).toEqual(plain);
  });

  it("names no JWK Set and no signed introspection with a shared secret", async () => {
    await using server = await openServer({ secret: SECRET });
    const metadata = await metadataAt(server.url + PATH);
    expect(metadata).not.toHaveProperty("jwks_uri");
    expect(metadata).not.toHaveProperty("introspection_signing_alg_values_supported");
    expect(metadata).toHaveProperty("token_endpoint");
  });

  it.each(["https://id.example", "https://id.example/auth"])("of %s names paths that are served", async (issuer) => {
    await using server = await openServer({ issuer, open: false });
    const metadata = await metadataAt(server.url + PATH);
    const served = (url: string) => server.url + new URL(url).pathname;
    for (const name of ["token_endpoint", "introspection_endpoint", "revocation_endpoint"])
      expect(await send(served(metadata[name]), { method: "POST" })).toMatchObject({ status: 400 });
    expect(await send(served(metadata.jwks_uri))).toMatchObject({ status: 200 });
  });

  it("is served by a fetch handler, whatever its base path", async () => {
    await using opened = await openService({ issuer: "https://app.example/api/auth", open: false });
    const handle = createFetchHandler(opened.service);
    for (const path of [`/api/auth${PATH}`, `${PATH}/api/auth`, PATH]) {
      const response = await handle(new Request(`https://app.example${path}`));
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.json()).toMatchObject({ issuer: "https://app.example/api/auth" });
    }
  });
});
