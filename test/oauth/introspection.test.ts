import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { type FormRequest, postForm } from "../support/oauth.ts";
import { call } from "../support/request.ts";
import { ISSUER, NOW, openServer } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

const SIGNED = "application/token-introspection+jwt";

let server: Awaited<ReturnType<typeof openServer>>;
let issuing: Awaited<ReturnType<typeof addClient>>;
let permitted: typeof issuing;
let stranger: typeof issuing;
beforeAll(async () => {
  server = await openServer({ open: false });
  issuing = await addClient(server.service, {
    permissions: ["issue"],
    audiences: ["*"],
    scopes: ["*"],
    anySubject: true,
  });
  permitted = await addClient(server.service, { permissions: ["introspect"] });
  stranger = await addClient(server.service, { permissions: ["issue", "revoke"] });
});
afterAll(() => server[Symbol.asyncDispose]());

async function tokenFor(input: object = {}): Promise<string> {
  const { data } = await callAs(server.url, { procedure: "getToken", input, authorization: basic(issuing) });
  return (data as { token: string }).token;
}

const introspect = (token: string | undefined, request: FormRequest = { as: permitted }, more: object = {}) =>
  postForm(server.url, "introspect", { ...request, parameters: { token, ...more } });

describe("the introspection endpoint (RFC 7662)", () => {
  it("returns the claims of an active token to a client with the permission", async () => {
    const token = await tokenFor({ subject: "ada", scope: "orders:read", claims: { role: "writer" } });
    const { status, headers, json } = await introspect(token);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store", vary: "accept" });
    expect(json).toEqual({
      active: true,
      iss: ISSUER,
      aud: ISSUER,
      sub: "ada",
      client_id: issuing.clientId,
      scope: "orders:read",
      role: "writer",
      iat: NOW,
      exp: NOW + 900,
      jti: expect.any(String),
    });
  });

  it("returns it to a client in its audience, by the endpoint and by the procedure", async () => {
    const token = await tokenFor({ audience: ["orders", stranger.clientId] });
    expect((await introspect(token, { as: stranger })).json).toMatchObject({ active: true });
    const typed = { procedure: "introspectToken", input: { token }, authorization: basic(stranger) };
    expect((await callAs(server.url, typed)).data).toMatchObject({ active: true });
  });

  it.each(["access_token", "refresh_token", "unknown", ""])("ignores the hint %j", async (token_type_hint) => {
    const { json } = await introspect(await tokenFor(), { as: permitted }, { token_type_hint });
    expect(json).toMatchObject({ active: true });
  });

  it("answers exactly that a token is inactive, whatever the reason", async () => {
    const revoked = await tokenFor();
    await callAs(server.url, { procedure: "revokeToken", input: { token: revoked }, authorization: basic(issuing) });
    const token = await tokenFor();
    for (const inactive of [revoked, `${token}x`, token.slice(1), "x", "a.b.c", "\0", "💥", "x".repeat(9000)])
      expect((await introspect(inactive)).text).toBe('{"active":false}');
    server.clock.now += 900;
    expect((await introspect(token)).text).toBe('{"active":false}');
    server.clock.now -= 900;
  });

  it("requires a token", async () => {
    for (const token of [undefined, ""])
      expect(await introspect(token)).toMatchObject({ status: 400, json: { error: "invalid_request" } });
  });

  it.each<[name: string, input: () => object]>([
    ["of the default audience", () => ({})],
    ["of another audience", () => ({ audience: "orders" })],
    ["about the stranger itself", () => ({ subject: stranger.clientId })],
    [
      "with its id within that of an audience",
      () => ({ audience: [`${stranger.clientId}x`, `x${stranger.clientId}`] }),
    ],
    ["with its id in another claim", () => ({ claims: { azp_id: stranger.clientId } })],
  ])("P34: reports a token %s to a stranger as inactive, and nothing else", async (_name, input) => {
    const token = await tokenFor(input());
    const { status, text, headers } = await introspect(token, { as: stranger });
    const unknown = await introspect("x", { as: stranger });
    expect([status, text]).toEqual([200, '{"active":false}']);
    const comparable = ({ date, ...others }: Record<string, unknown>) => others;
    expect(comparable(headers)).toEqual(comparable(unknown.headers));
    expect((await introspect(token)).json).toMatchObject({ active: true });
  });

  it("P34: signs no more for a stranger", async () => {
    const { text } = await introspect(await tokenFor(), { as: stranger, headers: { accept: SIGNED } });
    expect(decodeJwt(text).token_introspection).toEqual({ active: false });
  });
});

describe("a signed response (RFC 9701)", () => {
  const signed = async (token: string, accept = SIGNED) => introspect(token, { as: permitted, headers: { accept } });

  it("is a JWT for the client that asked, by the published keys", async () => {
    const token = await tokenFor({ subject: "ada" });
    const { status, headers, text } = await signed(token);
    expect([status, headers["content-type"]]).toEqual([200, SIGNED]);
    const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
    const options = { issuer: ISSUER, audience: permitted.clientId, typ: "token-introspection+jwt" };
    const { payload } = await jwtVerify(text, keys, { ...options, currentDate: new Date(NOW * 1000) });
    const { json } = await introspect(token);
    expect(payload).toEqual({ iss: ISSUER, aud: permitted.clientId, iat: NOW, token_introspection: json });
  });

  it.each([SIGNED, SIGNED.toUpperCase(), `application/json, ${SIGNED};q=0.5`, `${SIGNED} ; q=1, */*`])(
    "is sent for Accept: %s",
    async (accept) => {
      expect((await signed(await tokenFor(), accept)).headers["content-type"]).toBe(SIGNED);
    },
  );

  it.each(["", "*/*", "application/*", "application/json", `${SIGNED};q=0`, `${SIGNED}; q=0.0`, `x${SIGNED}`])(
    "is not sent for Accept: %s",
    async (accept) => {
      expect((await signed(await tokenFor(), accept)).json).toMatchObject({ active: true });
    },
  );

  it("is accepted nowhere as an access token", async () => {
    await using open = await openServer({ clock: () => Math.floor(Date.now() / 1000) });
    const { data } = await call(open.url, "getToken", {});
    const parameters = { token: (data as { token: string }).token };
    const { text: response } = await postForm(open.url, "introspect", { parameters, headers: { accept: SIGNED } });
    expect(decodeProtectedHeader(response)).toMatchObject({ typ: "token-introspection+jwt" });
    expect(await call(open.url, "verifyToken", { token: response })).toMatchObject({
      error: { data: { reason: "invalid_token" } },
    });
    expect((await call(open.url, "introspectToken", { token: response })).data).toEqual({ active: false });
    expect((await call(open.url, "revokeToken", { token: response })).data).not.toHaveProperty("revoked");
    const verifier = createVerifier({ issuer: ISSUER, audience: "local", url: open.url });
    await verifier.ready;
    expect(await verdictOf(verifier.verify(response))).toBe("invalid_token");
    verifier.close();
    const gateway = await fetch(`${open.url}/verify`, { headers: { authorization: `Bearer ${response}` } });
    expect(gateway.status).toBe(401);
  });

  it("is JSON with a shared secret, by which a client could verify nothing", async () => {
    await using shared = await openServer({ secret: "correct horse battery staple, twice over" });
    const answer = await postForm(shared.url, "introspect", {
      parameters: { token: "x" },
      headers: { accept: SIGNED },
    });
    expect(answer.json).toEqual({ active: false });
  });
});
