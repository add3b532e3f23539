import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { basic, type Credentials, callAs } from "../../support/call-as.ts";
import { type Issuer, METHODS, type Method, openIssuer, tokensOf } from "../../support/peers.ts";
import { addResource, MCP } from "../../support/resources.ts";

let issuer: Issuer;
beforeAll(async () => {
  issuer = await openIssuer();
  await addResource(issuer.service);
});
afterAll(() => issuer[Symbol.asyncDispose]());

type Tokens = {
  access_token: string;
  refresh_token?: string | undefined;
  expires_in?: number | undefined;
  token_type: string;
};

/** A client that has discovered the server. */
type Connected = {
  getToken(parameters?: Record<string, string>): Promise<Tokens>;
  refresh(refreshToken: string): Promise<Tokens>;
  introspect(token: string): Promise<object>;
  revoke(token: string): Promise<void>;
};

type Connect = (method: Method, credentials: Credentials) => Promise<Connected>;

const http = { [oauth.allowInsecureRequests]: true };

async function discover() {
  const url = new URL(issuer.issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...http, algorithm: "oauth2" }));
}

const connectOauth4webapi: Connect = async (method, { clientId: client_id, clientSecret }) => {
  const as = await discover();
  const client = { client_id };
  const by = {
    client_secret_basic: () => oauth.ClientSecretBasic(clientSecret),
    client_secret_post: () => oauth.ClientSecretPost(clientSecret),
    private_key_jwt: () => oauth.PrivateKeyJwt(issuer.privateKey),
  }[method]();
  return {
    async getToken(parameters = {}) {
      const response = await oauth.clientCredentialsGrantRequest(as, client, by, parameters, http);
      return oauth.processClientCredentialsResponse(as, client, response);
    },
    async refresh(refreshToken) {
      const response = await oauth.refreshTokenGrantRequest(as, client, by, refreshToken, http);
      return oauth.processRefreshTokenResponse(as, client, response);
    },
    async introspect(token) {
      const response = await oauth.introspectionRequest(as, client, by, token, { ...http, requestJwtResponse: true });
      const introspection = await oauth.processIntrospectionResponse(as, client, response);
      await oauth.validateApplicationLevelSignature(as, response, http);
      return introspection;
    },
    async revoke(token) {
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, by, token, http));
    },
  };
};

const connectOpenidClient: Connect = async (method, { clientId, clientSecret }) => {
  const by = {
    client_secret_basic: () => openid.ClientSecretBasic(clientSecret),
    client_secret_post: () => openid.ClientSecretPost(clientSecret),
    private_key_jwt: () => openid.PrivateKeyJwt(issuer.privateKey),
  }[method]();
  const options: openid.DiscoveryRequestOptions = { algorithm: "oauth2", execute: [openid.allowInsecureRequests] };
  const config = await openid.discovery(new URL(issuer.issuer), clientId, undefined, by, options);
  return {
    getToken: (parameters) => openid.clientCredentialsGrant(config, parameters),
    refresh: (refreshToken) => openid.refreshTokenGrant(config, refreshToken),
    introspect: (token) => openid.tokenIntrospection(config, token),
    revoke: (token) => openid.tokenRevocation(config, token),
  };
};

const PEERS = { oauth4webapi: connectOauth4webapi, "openid-client": connectOpenidClient };

/** A refreshable token, which only the procedures issue to a program. */
async function newGrant(credentials: Credentials) {
  const authorization = basic(credentials);
  const { data } = await callAs(issuer.url, { procedure: "getToken", input: { refreshable: true }, authorization });
  return data as { token: string; refreshToken: string };
}

describe.each(Object.entries(PEERS))("%s", (_peer, connect) => {
  describe.each(METHODS)("with %s", (method) => {
    let client: Connected;
    let credentials: Credentials;
    beforeAll(async () => {
      credentials = await issuer.addPeer(method);
      client = await connect(method, credentials);
    });

    it("gets a token for a resource, introspects it, and revokes it", async () => {
      const tokens = await client.getToken({ resource: MCP });
      expect(tokens).toMatchObject({ token_type: "bearer", expires_in: 900 });
      const { access_token: token } = tokens;
      const claims = { active: true, iss: issuer.issuer, aud: MCP, client_id: credentials.clientId };
      expect(await client.introspect(token)).toMatchObject(claims);
      await client.revoke(token);
      expect(await client.introspect(token)).toEqual({ active: false });
      await client.revoke(token);
    });

    it("gets a scope that it has, and an error of RFC 6749 for another", async () => {
      expect(await client.getToken({ scope: "orders:read" })).toMatchObject({ scope: "orders:read" });
      await expect(client.getToken({ scope: "admin" })).rejects.toMatchObject({ error: "invalid_scope", status: 400 });
      const elsewhere = client.getToken({ resource: "https://unknown.example" });
      await expect(elsewhere).rejects.toMatchObject({ error: "invalid_target", status: 400 });
    });
  });

  it("renews a grant, and reads that a used refresh token is refused", async () => {
    const credentials = await issuer.addPeer("client_secret_basic");
    const client = await connect("client_secret_basic", credentials);
    const { refreshToken } = await newGrant(credentials);
    const { access_token: token, refresh_token: next = "" } = await client.refresh(refreshToken);
    expect(await client.introspect(token)).toMatchObject({ active: true });
    expect((await client.refresh(next)).refresh_token).not.toBe(next);
    await client.revoke(next);
    expect(await client.introspect(token)).toEqual({ active: false });
    await expect(client.refresh(next)).rejects.toMatchObject({ error: "invalid_grant", status: 400 });
  });

  it.each(METHODS)("is refused with %s as a client that is removed", async (method) => {
    const credentials = await issuer.addPeer(method);
    const client = await connect(method, credentials);
    await issuer.service.clients.remove(localCaller, credentials.clientId);
    await expect(client.getToken()).rejects.toMatchObject({ status: 401 });
  });
});

describe("oauth4webapi", () => {
  it("validates an access token of ours at a resource server (RFC 9068 §4), and refuses another", async () => {
    const as = await discover();
    const { audience, good, refused, ofAnotherType } = await tokensOf(issuer);
    const validate = (token: string) => {
      const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } });
      return oauth.validateJwtAccessToken(as, request, audience, http);
    };
    expect(await validate(good)).toMatchObject({ iss: issuer.issuer, aud: audience, sub: "ada" });
    for (const token of [...Object.values(refused), ofAnotherType]) await expect(validate(token)).rejects.toThrow();
  });
});
