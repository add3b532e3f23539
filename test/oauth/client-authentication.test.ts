import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic, type Credentials } from "../support/call-as.ts";
import { newClient } from "../support/clients.ts";
import { type FormRequest, type Parameters, postForm } from "../support/oauth.ts";
import { ISSUER, openServer } from "../support/service.ts";

const METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] as const;
type Method = (typeof METHODS)[number];
const ENDPOINTS = ["token", "introspect", "revoke"] as const;
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

let server: Awaited<ReturnType<typeof openServer>>;
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
const clients = {} as Record<Method, Credentials>;
beforeAll(async () => {
  server = await openServer({ open: false });
  pair = await generateKeyPair("ES256");
  const jwks = { keys: [await exportJWK(pair.publicKey)] };
  for (const authMethod of METHODS) {
    const keys = authMethod === "private_key_jwt" ? { jwks } : {};
    const permissions = authMethod === "none" ? [] : (["issue", "introspect"] as const);
    const created = await server.service.clients.create(localCaller, newClient({ authMethod, permissions, ...keys }));
    const { clientId, clientSecret } = created;
    clients[authMethod] = { clientId, clientSecret: clientSecret || "x" };
  }
});
afterAll(() => server[Symbol.asyncDispose]());
// Past the limit of failed authentications.
afterEach(() => {
  server.clock.now += 3600;
});

/** An assertion of a client, with a new `jti`. */
function assertionOf(clientId: string, claims: Record<string, unknown> = {}): Promise<string> {
  const now = server.clock.now;
  const payload = { iss: clientId, sub: clientId, aud: ISSUER, iat: now, exp: now + 60, jti: randomUUID(), ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256" }).sign(pair.privateKey);
}

/** The credentials of a client by a method, whether it has it or not. */
async function present(method: Method, { clientId, clientSecret }: Credentials) {
  const presented: Record<Method, () => Promise<{ as?: Credentials; inForm?: Parameters }>> = {
    client_secret_basic: async () => ({ as: { clientId, clientSecret } }),
    client_secret_post: async () => ({ inForm: { client_id: clientId, client_secret: clientSecret } }),
    private_key_jwt: async () => ({
      inForm: { client_assertion_type: ASSERTION_TYPE, client_assertion: await assertionOf(clientId) },
    }),
    none: async () => ({ inForm: { client_id: clientId } }),
  };
  return presented[method]();
}

const WORK = { grant_type: "client_credentials", token: "x" };

const post = (endpoint: string, inForm: Parameters = {}, request: FormRequest = {}) =>
  postForm(server.url, endpoint, { ...request, parameters: { ...WORK, ...inForm } });

const PAIRS = METHODS.flatMap((registered) => METHODS.map((presented) => [registered, presented] as const));

describe("client authentication", () => {
  it.each(PAIRS)("P25: a client with %s authenticates by %s if that is its method", async (registered, method) => {
    for (const endpoint of ENDPOINTS) {
      const { as, inForm } = await present(method, clients[registered]);
      const { status, json } = await post(endpoint, inForm, { as });
      const expected = registered !== method ? 401 : registered === "none" && endpoint === "token" ? 400 : 200;
      expect([endpoint, status]).toEqual([endpoint, expected]);
      if (expected === 401) expect(json).toMatchObject({ error: "invalid_client", error_reason: "invalid_client" });
      // It is authenticated, and does not have the grant.
      if (expected === 400) expect(json).toMatchObject({ error: "unauthorized_client" });
    }
  });

  const SEVERAL = PAIRS.filter(([one, other]) => one < other && one !== "none" && other !== "none");
  it.each(SEVERAL)("refuses %s and %s at once", async (one, other) => {
    for (const endpoint of ENDPOINTS) {
      const [first, second] = [await present(one, clients[one]), await present(other, clients[one])];
      const { status, json } = await post(endpoint, { ...first.inForm, ...second.inForm }, { as: first.as });
      expect([status, json.error, json.error_reason]).toEqual([400, "invalid_request", "invalid_request"]);
    }
  });

  it("takes the id of the client beside the header or an assertion, where it is the same", async () => {
    const { client_secret_basic: withBasic, private_key_jwt: withKey } = clients;
    const { as } = await present("client_secret_basic", withBasic);
    expect(await post("token", { client_id: withBasic.clientId }, { as })).toMatchObject({ status: 200 });
    expect(await post("token", { client_id: withKey.clientId }, { as })).toMatchObject({ status: 400 });
    const id = (client_id: string) =>
      present("private_key_jwt", withKey).then(({ inForm }) => ({ ...inForm, client_id }));
    expect(await post("token", await id(withKey.clientId))).toMatchObject({ status: 200 });
    expect(await post("token", await id(withBasic.clientId))).toMatchObject({ status: 401 });
  });

  it.each<[name: string, inForm: Parameters, status: number]>([
    ["a secret without an id", { client_secret: "x" }, 400],
    ["an assertion without its type", { client_assertion: "a.b.c" }, 400],
    ["a type without an assertion", { client_assertion_type: ASSERTION_TYPE }, 400],
    ["an assertion of another type", { client_assertion_type: "urn:x", client_assertion: "a.b.c" }, 401],
    ["an assertion that is no JWT", { client_assertion_type: ASSERTION_TYPE, client_assertion: "a.b.c" }, 401],
    ["an id of nobody", { client_id: "nobody" }, 401],
    ["an id that is no text", { client_id: "\0" }, 401],
    ["a long id", { client_id: "x".repeat(10_000) }, 401],
    ["a long secret", { client_id: "nobody", client_secret: "x".repeat(10_000) }, 401],
  ])("refuses %s", async (_name, inForm, status) => {
    for (const endpoint of ENDPOINTS) {
      const { json, headers, ...answer } = await post(endpoint, inForm);
      expect([answer.status, json.error]).toEqual([status, status === 401 ? "invalid_client" : "invalid_request"]);
      expect(headers).not.toHaveProperty("www-authenticate");
    }
  });

  it("accepts an assertion once, at whichever endpoint", async () => {
    const { inForm } = await present("private_key_jwt", clients.private_key_jwt);
    expect(await post("introspect", inForm)).toMatchObject({ status: 200 });
    for (const endpoint of ENDPOINTS)
      expect(await post(endpoint, inForm)).toMatchObject({ status: 401, json: { error: "invalid_client" } });
  });

  it("challenges programs that tried HTTP Basic, and no page", async () => {
    const as = { ...clients.client_secret_basic, clientSecret: "wrong" };
    const { headers } = await post("token", {}, { as });
    expect(headers["www-authenticate"]).toBe('Basic realm="mintmark", charset="UTF-8"');
    const page = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", authorization: basic(as) };
    expect((await post("token", {}, { headers: page })).headers).not.toHaveProperty("www-authenticate");
  });

  it.each(["token", "introspect", "revoke"])("P25: a removed client cannot use the endpoint %s", async (endpoint) => {
    const fields = newClient({ permissions: ["issue", "introspect"] });
    const { clientId, clientSecret } = await server.service.clients.create(localCaller, fields);
    const as = { clientId, clientSecret };
    expect(await post(endpoint, {}, { as })).toMatchObject({ status: 200 });
    await server.service.clients.remove(localCaller, clientId);
    expect(await post(endpoint, {}, { as })).toMatchObject({ status: 401 });
  });
});

describe("P22: the grants of a client", () => {
  it.each([
    ["client_credentials", "refresh_token"],
    ["refresh_token", "client_credentials"],
  ] as const)("%s alone permits no %s", async (given, other) => {
    const fields = newClient({ permissions: ["issue"], grants: [given] });
    const { clientId, clientSecret } = await server.service.clients.create(localCaller, fields);
    const as = { clientId, clientSecret };
    const { status, json } = await post("token", { grant_type: other, refresh_token: "x" }, { as });
    const expected = other === "refresh_token" ? ["invalid_grant"] : ["unauthorized_client"];
    expect([status, json.error]).toEqual([400, ...expected]);
    const { json: allowed } = await post("token", { grant_type: given, refresh_token: "x" }, { as });
    expect(allowed.error).toBe(given === "refresh_token" ? "invalid_grant" : undefined);
  });

  it("a public client gets no token of its own", async () => {
    const { status, json } = await post("token", { client_id: clients.none.clientId });
    expect([status, json.error, json.error_reason]).toEqual([400, "unauthorized_client", "permission_denied"]);
  });

  it("a client without the permission to issue gets none", async () => {
    const created = await server.service.clients.create(localCaller, newClient({ permissions: ["introspect"] }));
    const { json } = await post("token", {}, { as: created });
    expect(json).toMatchObject({ error: "unauthorized_client", error_reason: "permission_denied" });
  });
});

describe("P34: a public client", () => {
  it("learns nothing of a token, even if it is in its audience", async () => {
    const { clientId } = clients.none;
    const { token } = await server.service.getToken(localCaller, { audience: ["orders", clientId], claims: {} });
    const { status, text } = await post("introspect", { client_id: clientId, token });
    expect([status, text]).toEqual([200, '{"active":false}']);
    const { text: forOther } = await post("introspect", { token }, { as: clients.client_secret_basic });
    expect(forOther).toContain('"active":true');
  });
});

describe("where access is open", () => {
  it("a request without credentials is the local caller's, and one with wrong ones is refused", async () => {
    await using open = await openServer();
    const parameters = { ...WORK };
    for (const endpoint of ENDPOINTS)
      expect(await postForm(open.url, endpoint, { parameters })).toMatchObject({ status: 200 });
    const { json } = await postForm(open.url, "token", { parameters });
    const { json: read } = await postForm(open.url, "introspect", { parameters: { token: String(json.access_token) } });
    expect(read).toMatchObject({ active: true, sub: "local", client_id: "local" });
    for (const wrong of [{ client_id: "local" }, { client_id: "nobody", client_secret: "x" }])
      expect(await postForm(open.url, "token", { parameters: { ...parameters, ...wrong } })).toMatchObject({
        status: 401,
      });
  });
});
