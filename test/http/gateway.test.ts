import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { captureLog } from "../support/log.ts";
import { scrape } from "../support/metrics.ts";
import { raw } from "../support/raw.ts";
import { type RawRequest, send } from "../support/request.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { openServerOnLeavable } from "../support/store-away.ts";

const HOUR = 3600;
const log = captureLog();

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer({ open: false, issuer: ISSUER }, { logger: log.logger });
});
afterAll(() => server[Symbol.asyncDispose]());

const issue = async (request: object = {}) =>
  (await server.service.getToken(localCaller, { subject: "ada", claims: {}, ...request })).token;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const verify = (query: string, headers: RawRequest["headers"] = {}, request: RawRequest = {}) =>
  send(`${server.url}/verify${query}`, { headers, ...request });

const decode = (text: unknown) => JSON.parse(Buffer.from(String(text), "base64url").toString());

describe("GET /verify", () => {
  it("answers a valid token with the identity in headers and no body, to HEAD too, and lets nobody store it", async () => {
    const headers = bearer(await issue({ scope: "orders:read orders:write", claims: { role: "writer" } }));
    const get = await verify("?scope=orders:read", headers);
    expect(get).toMatchObject({ status: 200, text: "" });
    expect(get.headers).toMatchObject({
      "x-auth-subject": "ada",
      "x-auth-client": "local",
      "x-auth-scope": "orders:read orders:write",
      "cache-control": "no-store",
      "content-length": "0",
      "x-content-type-options": "nosniff",
    });
    expect(decode(get.headers["x-auth-claims"])).toMatchObject({ iss: ISSUER, sub: "ada", role: "writer" });
    const head = await verify("?scope=orders:read", headers, { method: "HEAD" });
    expect(head).toEqual({ ...get, headers: { ...get.headers, date: head.headers.date } });
  });

  it("accepts any of several audiences, and by default that of the service", async () => {
    const orders = bearer(await issue({ audience: "orders" }));
    for (const [query, status] of [
      ["?audience=orders", 200],
      ["?audience=billing&audience=orders", 200],
      ["?audience=billing", 401],
      ["", 401],
    ] as const)
      expect([query, (await verify(query, orders)).status]).toEqual([query, status]);
    expect((await verify("", bearer(await issue()))).status).toBe(200);
  });

  it("refuses a token that is revoked from the answer to its revocation on", async () => {
    const token = await issue();
    expect((await verify("", bearer(token))).status).toBe(200);
    await server.service.revokeToken(localCaller, token);
    expect(await verify("", bearer(token))).toMatchObject({ status: 401, text: expect.stringContaining("revoked") });
  });

  it("ignores what the gateway's client sent beside its token: its method, its conditions, its page", async () => {
    const headers = {
      ...bearer(await issue()),
      "x-forwarded-method": "DELETE",
      "x-original-method": "POST",
      "x-auth-subject": "mallory",
      "if-none-match": "*",
      origin: "https://evil.example",
      "sec-fetch-site": "cross-site",
      "content-type": "text/plain",
      range: "bytes=0-1",
    };
    expect(await verify("", headers)).toMatchObject({ status: 200, headers: { "x-auth-subject": "ada" } });
  });

  it.each([
    ["of other letters than ASCII", "üda"],
    ["that begins with a space, which a parser would drop", " ada"],
    ["that ends with one", "ada "],
  ])("sends a subject %s in the claims alone, and an empty header", async (_name, subject) => {
    const { status, headers } = await verify("", bearer(await issue({ subject })));
    expect({ status, header: headers["x-auth-subject"] }).toEqual({ status: 200, header: "" });
    expect(decode(headers["x-auth-claims"]).sub).toBe(subject);
  });

  it("sends an empty scope for a token without one, so that it replaces what a client made up", async () => {
    expect((await verify("", bearer(await issue()))).headers["x-auth-scope"]).toBe("");
  });

  it("is served below the path of the issuer, too, and to every other method says 405", async () => {
    await using below = await openServer({ issuer: "http://127.0.0.1:3000/auth" });
    const { token } = await below.service.getToken(localCaller, { claims: {} });
    expect(await send(`${below.url}/auth/verify`, { headers: bearer(token) })).toMatchObject({ status: 200 });
    for (const method of ["POST", "PUT", "DELETE", "PATCH"])
      expect(await verify("", {}, { method })).toMatchObject({
        status: 405,
        headers: { allow: "GET, HEAD, OPTIONS" },
      });
  });

  it("is counted and logged as every route, by its path alone", async () => {
    await verify("?audience=orders", bearer("x"));
    await using open = await openServer();
    await send(`${open.url}/verify`);
    expect((await scrape(open.url)).of('http_requests_total{route="/verify",status="4xx"}')).toBe(1);
    await vi.waitFor(() => expect(log.lines.join("")).toContain('"route":"/verify"'));
    expect(log.lines.join("")).not.toContain("audience=orders");
  });
});

const CHALLENGE = 'Bearer realm="mintmark"';
const words = (error: string, description: string) => `, error="${error}", error_description="${description}"`;

describe("GET /verify refuses", () => {
  const forged = "eyJhbGciOiJub25lIn0.e30.";
  const challenged = (status: number, reason: string, rest = "") => ({
    status,
    reason,
    challenge: `${CHALLENGE}${rest}`,
  });
  const none = challenged(401, "invalid_token");
  const invalid = challenged(401, "invalid_token", words("invalid_token", "Could not validate credentials"));
  const malformed = challenged(400, "malformed_request", words("invalid_request", "The request is not well-formed"));
  const input = challenged(400, "invalid_request", words("invalid_request", "Invalid input"));
  const tooMany = Array.from({ length: 17 }, (_, at) => `audience=${at}`).join("&");

  it.each([
    { what: "no credentials", answer: none },
    { what: "those of another scheme", authorization: "Basic eDp5", answer: none },
    { what: "a forged token", authorization: `Bearer ${forged}`, answer: invalid },
    { what: "no token", authorization: "Bearer", answer: malformed },
    { what: "a token and more", authorization: "Bearer a b", answer: malformed },
    { what: "two tokens in one header", authorization: "Bearer a, Bearer b", answer: malformed },
    { what: "an unknown parameter", query: "?aud=orders", answer: input },
    { what: "a token in the query", query: `?access_token=${forged}`, answer: input },
    { what: "a repeated scope", query: "?scope=a&scope=b", answer: input },
    { what: "an empty scope", query: "?scope=", answer: input },
    { what: "a scope with a quote", query: "?scope=%22", answer: input },
    { what: "an empty audience", query: "?audience=", answer: input },
    { what: "a parameter without a value", query: "?audience", answer: input },
    { what: "an audience twice", query: "?audience=a&audience=a", answer: input },
    { what: "17 audiences", query: `?${tooMany}`, answer: input },
    { what: "an audience with a line break", query: "?audience=a%0D%0Ab", answer: input },
    { what: "bytes that are not UTF-8", query: "?audience=%ff", answer: input },
  ])("$what", async ({ query = "", authorization, answer }) => {
    const refusal = await verify(query, authorization === undefined ? {} : { authorization });
    expect(refusal.status).toBe(answer.status);
    expect(JSON.parse(refusal.text)).toMatchObject({ reason: answer.reason });
    expect(refusal.headers).toMatchObject({
      "www-authenticate": answer.challenge,
      "cache-control": "no-store",
      "content-type": "application/json",
      "x-request-id": expect.any(String),
    });
    expect(Object.keys(refusal.headers).filter((name) => name.startsWith("x-auth-"))).toEqual([]);
  });

  it("two Authorization headers, each of a valid token", async () => {
    const token = await issue();
    const lines = `Authorization: Bearer ${token}\r\n`.repeat(2);
    const answer = await raw(server.url, `GET /verify HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  });

  it("a query of other bytes than ASCII", async () => {
    const answer = await raw(server.url, `GET /verify?audience=\xfc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  });

  it("a token without the scope, by 403 and the scope that it lacks", async () => {
    const answer = await verify("?scope=orders:write+orders:read", bearer(await issue({ scope: "orders:read" })));
    const wanted = `${words("insufficient_scope", "The token lacks a required scope")}, scope="orders:write orders:read"`;
    expect(answer.status).toBe(403);
    expect(answer.headers["www-authenticate"]).toBe(`${CHALLENGE}${wanted}`);
  });

  it("an expired token", async () => {
    await using own = await openServer({ open: false });
    const { token } = await own.service.getToken(localCaller, { claims: {} });
    own.clock.now += HOUR;
    expect(await send(`${own.url}/verify`, { headers: bearer(token) })).toMatchObject({
      status: 401,
      text: expect.stringContaining("token_expired"),
    });
  });

  it("an address over its limit, by 429, and says when to return", async () => {
    await using own = await openServer({ open: false, rateLimits: { verify: { perAddress: 2 } } });
    const { token } = await own.service.getToken(localCaller, { claims: {} });
    const answers = [];
    for (const _ of [1, 2, 3]) answers.push(await send(`${own.url}/verify`, { headers: bearer(token) }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(answers[2]?.headers["retry-after"])).toBeGreaterThan(0);
  });

  it("every token while the revocation data is stale, by 503, and says when to return", async () => {
    await using own = await openServerOnLeavable({ maxStaleness: 1 });
    const { token } = await own.service.getToken(localCaller, { claims: {} });
    own.leave();
    await vi.waitFor(
      async () =>
        expect(await send(`${own.url}/verify`, { headers: bearer(token) })).toMatchObject({
          status: 503,
          headers: { "retry-after": "1" },
          text: expect.stringContaining("verifier_stale"),
        }),
      3000,
    );
  });

  it("calls from another machine where access is open", async () => {
    await using open = await openServer();
    const headers = { ...bearer("x"), "x-forwarded-for": "192.0.2.1" };
    expect(await send(`${open.url}/verify`, { headers })).toMatchObject({ status: 403 });
  });
});
