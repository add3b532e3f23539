import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { type Parameters, postForm } from "../support/oauth.ts";
import { ISSUER, NOW, openServer } from "../support/service.ts";

let server: Awaited<ReturnType<typeof openServer>>;
let client: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  server = await openServer({ open: false });
  client = await addClient(server.service, { permissions: ["issue"], scopes: ["orders:read"], audiences: ["orders"] });
});
afterAll(() => server[Symbol.asyncDispose]());

const requestToken = (parameters: Parameters, as: typeof client | undefined = client) =>
  postForm(server.url, "token", { parameters, as });

describe("the grant client_credentials", () => {
  it("issues an access token for the client itself, without a refresh token", async () => {
    const { status, headers, json } = await requestToken({ grant_type: "client_credentials" });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      pragma: "no-cache",
      "x-content-type-options": "nosniff",
    });
    const { access_token, ...rest } = json;
    expect(rest).toEqual({ token_type: "Bearer", expires_in: 900 });
    const { clientId } = client;
    const claims = decodeJwt(String(access_token));
    expect(claims).toMatchObject({ iss: ISSUER, aud: ISSUER, sub: clientId, client_id: clientId, exp: NOW + 900 });
    expect(claims).not.toHaveProperty("scope");
  });

  it("grants a requested scope of the client, for a requested resource", async () => {
    const parameters = { grant_type: "client_credentials", scope: "orders:read", resource: "orders" };
    const { status, json } = await requestToken(parameters);
    expect([status, json.scope]).toEqual([200, "orders:read"]);
    expect(decodeJwt(String(json.access_token))).toMatchObject({ aud: "orders", scope: "orders:read" });
  });

  it("takes the credentials of the client in the form", async () => {
    const fields = { permissions: ["issue"], authMethod: "client_secret_post" } as const;
    const { clientId, clientSecret } = await addClient(server.service, fields);
    const parameters = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
    expect(await postForm(server.url, "token", { parameters })).toMatchObject({ status: 200 });
  });

  it("gives a token the default claims of their schema, and refuses where it requires some", async () => {
    const withDefault = z.object({ role: z.string().default("reader") });
    await using defaults = await openServer({ claims: withDefault });
    const parameters = { grant_type: "client_credentials" };
    const { json } = await postForm(defaults.url, "token", { parameters });
    expect(decodeJwt(String(json.access_token))).toMatchObject({ role: "reader", sub: "local" });
    await using required = await openServer({ claims: z.object({ role: z.string() }) });
    const refused = await postForm(required.url, "token", { parameters });
    expect([refused.status, refused.json.error]).toEqual([400, "invalid_request"]);
    expect(refused.json.error_description).toContain("claims.role");
  });
});

describe("the grant refresh_token", () => {
  const grantOf = async () => {
    const input = { refreshable: true, scope: "orders:read", audience: ["orders", ISSUER] };
    const authorization = `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}`;
    const { data } = await callAs(server.url, { procedure: "getToken", input, authorization });
    return data as { token: string; refreshToken: string };
  };

  it("renews a grant of the procedures, and the procedures renew one of the endpoint", async () => {
    const { refreshToken } = await grantOf();
    const { status, json } = await requestToken({ grant_type: "refresh_token", refresh_token: refreshToken });
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 900,
      scope: "orders:read",
      refresh_token: expect.any(String),
    });
    const authorization = `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}`;
    const again = { procedure: "refreshToken", input: { refreshToken: json.refresh_token }, authorization };
    expect(await callAs(server.url, again)).toMatchObject({ status: 200 });
  });
});

describe("a request without a valid grant", () => {
  const INVALID = ["invalid_request", "invalid_request"];
  const UNSUPPORTED = ["unsupported_grant_type", "unsupported_grant_type"];

  it.each<[name: string, parameters: Parameters, expected: string[]]>([
    ["no grant_type", {}, INVALID],
    ["an empty grant_type", { grant_type: "" }, INVALID],
    ["an unknown one", { grant_type: "password" }, UNSUPPORTED],
    ["one of a prototype", { grant_type: "constructor" }, UNSUPPORTED],
    ["one of another case", { grant_type: "Client_Credentials" }, UNSUPPORTED],
    ["no refresh token", { grant_type: "refresh_token" }, INVALID],
    [
      "an unknown refresh token",
      { grant_type: "refresh_token", refresh_token: "x" },
      ["invalid_grant", "invalid_refresh_token"],
    ],
    [
      "a scope that the client lacks",
      { grant_type: "client_credentials", scope: "admin" },
      ["invalid_scope", "permission_denied"],
    ],
    ["a malformed scope", { grant_type: "client_credentials", scope: "a  b" }, ["invalid_scope", "invalid_request"]],
  ])("with %s is refused", async (_name, parameters, expected) => {
    const { status, json } = await requestToken(parameters);
    expect([status, json.error, json.error_reason]).toEqual([400, ...expected]);
  });
});
