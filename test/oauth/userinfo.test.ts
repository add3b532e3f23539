import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { addClient } from "../support/clients.ts";
import { encodeForm, FORM } from "../support/oauth.ts";
import { addWebClient, authorizationRequest, codeFor, openBrowser, REDIRECT_URI, VERIFIER } from "../support/people.ts";
import { type RawRequest, send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const PERSON = { profile: { name: "Ada", email: "ada@example.org", sub: "eve", role: "admin" } };
const APP = new URL(REDIRECT_URI).origin;

describe.each(["node", "fetch"] as const)("userinfo (OIDC Core §5.3), behind %s", (edge) => {
  let server: Awaited<ReturnType<typeof openServer>>;
  beforeAll(async () => {
    server = await openServer({ open: false }, { edge, signIn: () => ({ subject: "ada" }) });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** An access token of a person, for a public client whose pages may call. */
  async function tokenOf(scope: string): Promise<string> {
    const { service } = server;
    const { clientId } = await addWebClient(service, { authMethod: "none", firstParty: true });
    const code = await codeFor(openBrowser(service), authorizationRequest(clientId, { scope }), { more: PERSON });
    const caller = await service.authenticate({ method: "none", clientId }, "192.0.2.1");
    return (await service.exchangeCode(caller, { code, redirectUri: REDIRECT_URI, verifier: VERIFIER })).token;
  }

  const ask = async (request: RawRequest & { query?: string } = {}) => {
    const { query = "", ...rest } = request;
    const { status, headers, text } = await send(`${server.url}/oauth/userinfo${query}`, rest);
    return { status, headers, json: text === "" ? {} : JSON.parse(text) };
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const form = (parameters: Record<string, string | string[]>, headers = {}) => ({
    method: "POST",
    headers: { "content-type": FORM, ...headers },
    body: encodeForm(parameters),
  });

  it("is what the person agreed to share, in the header or in the form of the request", async () => {
    const token = await tokenOf("openid email");
    const expected = { sub: "ada", email: "ada@example.org" };
    for (const request of [
      { headers: bearer(token) },
      { method: "POST", headers: bearer(token) },
      form({ access_token: token }),
    ]) {
      const answer = await ask(request);
      expect([answer.status, answer.json]).toEqual([200, expected]);
      expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    }
    expect(await ask({ method: "HEAD", headers: bearer(token) })).toMatchObject({ status: 200, json: {} });
  });

  it("is refused to a token without openid, of a program, and of a session that ended", async () => {
    const { service } = server;
    const program = await addClient(service, { permissions: ["issue"], anySubject: true, scopes: ["openid"] });
    const caller = await service.authenticate(program, "192.0.2.1");
    const { token: ofProgram } = await service.getToken(caller, { claims: {}, subject: "ada", scope: "openid" });
    for (const token of [await tokenOf("orders:read"), ofProgram]) {
      const { status, json, headers } = await ask({ headers: bearer(token) });
      expect([status, json.error, json.error_reason]).toEqual([403, "insufficient_scope", "insufficient_scope"]);
      expect(headers["www-authenticate"]).toContain('error="insufficient_scope"');
    }
    const token = await tokenOf("openid");
    await service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    const { status, json } = await ask({ headers: bearer(token) });
    expect([status, json.error, json.error_reason]).toEqual([401, "invalid_token", "token_revoked"]);
  });

  it.each<[name: string, status: number, request: RawRequest & { query?: string }]>([
    ["no token", 401, {}],
    ["a token that is none", 401, { headers: bearer("x") }],
    ["the credentials of a client", 401, { headers: { authorization: "Basic eDp5" } }],
    ["two tokens", 400, { headers: { authorization: ["Bearer x", "Bearer y"] } }],
    ["P24: a token in the query", 400, { query: "?access_token=x" }],
    ["tokens in header and form", 400, form({ access_token: "x" }, bearer("x"))],
    ["two tokens in the form", 400, form({ access_token: ["x", "y"] })],
    ["a form with another token", 401, form({ token: "x" })],
    ["JSON", 400, { method: "POST", headers: { "content-type": "application/json" }, body: '{"access_token":"x"}' }],
    ["a long body", 413, { ...form({}), body: "x".repeat(70_000) }],
    ["PUT", 405, { method: "PUT", headers: bearer("x") }],
  ])("refuses %s with %d", async (_name, status, request) => {
    const answer = await send(`${server.url}/oauth/userinfo${request.query ?? ""}`, request);
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm="mintmark"/);
  });

  it("P28: is read by pages of public clients alone, without cookies", async () => {
    const authorization = bearer(await tokenOf("openid"));
    const page = (origin: string) => ({ origin, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" });
    const preflight = await ask({
      method: "OPTIONS",
      headers: {
        ...page(APP),
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.headers).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-methods": "GET, POST",
      vary: "origin",
    });
    const read = await ask({ headers: { ...authorization, ...page(APP) } });
    expect([read.status, read.headers["access-control-allow-origin"]]).toEqual([200, APP]);
    expect(read.headers).not.toHaveProperty("access-control-allow-credentials");
    for (const origin of ["https://evil.example", "null"]) {
      const refused = await ask({ headers: { ...authorization, ...page(origin) } });
      expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([403, undefined]);
    }
  });
});
