import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { listen } from "../../src/http/listen.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { addClient } from "../support/clients.ts";
import { captureLog } from "../support/log.ts";
import { scrape } from "../support/metrics.ts";
import { postForm } from "../support/oauth.ts";
import { openServer, openService } from "../support/service.ts";
import { recordSpans } from "../support/spans.ts";

const CREDENTIALS = { grant_type: "client_credentials" };

describe("the endpoints in metrics, log, spans and audit", () => {
  it("have metrics by their paths, and count tokens as the procedures do", async () => {
    await using server = await openServer();
    await postForm(server.url, "token", { parameters: CREDENTIALS });
    await postForm(server.url, "token", { parameters: {} });
    await postForm(server.url, "introspect", { parameters: { token: "x" } });
    await postForm(`${server.url}`, "nothing", { parameters: {} });
    const { of } = await scrape(server.url);
    expect(of('http_requests_total{route="/oauth/token",status="2xx"}')).toBe(1);
    expect(of('http_requests_total{route="/oauth/token",status="4xx"}')).toBe(1);
    expect(of('http_requests_total{route="/oauth/introspect",status="2xx"}')).toBe(1);
    expect(of('http_requests_total{route="unknown",status="4xx"}')).toBe(1);
    expect(of('tokens_issued_total{procedure="getToken"}')).toBe(1);
    expect(of('tokens_verified_total{outcome="invalid_token"}')).toBe(1);
  });

  it("have a line per request in the log, without anything secret", async () => {
    const { lines, logger } = captureLog();
    await using server = await openServer({ open: false }, { logger });
    const client = await addClient(server.service, { permissions: ["issue"], scopes: ["canary-scope"] });
    const { json } = await postForm(server.url, "token", { as: client, parameters: CREDENTIALS });
    const { clientId: client_id, clientSecret: client_secret } = client;
    const canary = { client_assertion: "canary-assertion", refresh_token: "canary-refresh", scope: "canary-scope" };
    await postForm(server.url, "token?canary-query", { parameters: { client_id, client_secret, ...canary } });
    await postForm(server.url, "revoke", { as: client, parameters: { token: String(json.access_token) } });
    const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "request");
    expect(requests.map(({ route, status }) => `${route} ${status}`)).toEqual([
      "/oauth/token 200",
      "/oauth/token 400",
      "/oauth/revoke 200",
    ]);
    for (const secret of ["canary", client.clientSecret, String(json.access_token)])
      expect(lines.join("")).not.toContain(secret);
  });

  it("log what failed, with what to do, and say nothing of it", async () => {
    const { lines, logger } = captureLog();
    await using opened = await openService();
    const cause = Object.assign(new Error("canary"), { code: "SQLITE_FULL" });
    const getToken = () => Promise.reject(new MintmarkError("unavailable", { cause }));
    const refreshToken = () => Promise.reject(new TypeError("canary"));
    const handler = createRequestHandler({ ...opened.service, getToken, refreshToken }, { logger });
    const server = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => ({ listener: handler, close: async () => {} }),
    });
    const failing = await postForm(server.origin, "token", { parameters: CREDENTIALS });
    const parameters = { grant_type: "refresh_token", refresh_token: "x" };
    const broken = await postForm(server.origin, "token", { parameters });
    await server.close();
    expect([failing.status, failing.json.error]).toEqual([503, "temporarily_unavailable"]);
    expect([broken.status, broken.json.error]).toEqual([500, "server_error"]);
    const failures = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "call failed");
    expect(failures).toMatchObject([
      { route: "/oauth/token", requestId: failing.headers["x-request-id"], error: { code: "SQLITE_FULL" } },
      { route: "/oauth/token", requestId: broken.headers["x-request-id"], error: { type: "TypeError" } },
    ]);
    expect(failures[0].remedy).toContain("its disk is full");
    expect(lines.join("") + failing.text + broken.text).not.toContain("canary");
  });

  it("have spans with the reason of an error, and nothing else of it", async () => {
    await using recorder = recordSpans();
    await using server = await openServer({ tracer: recorder.tracer });
    await postForm(server.url, "token", { parameters: CREDENTIALS });
    await postForm(server.url, "token", { parameters: { grant_type: "canary" } });
    await postForm(server.url, "revoke", { parameters: { token: "canary" } });
    const spans = recorder.spans().filter(({ name }) => name.startsWith("mintmark/"));
    expect(spans.map(({ name, kind, attributes, status }) => ({ name, kind, attributes, code: status.code }))).toEqual([
      { name: "mintmark/oauth/token", kind: 1, attributes: { "http.route": "/oauth/token" }, code: 0 },
      {
        name: "mintmark/oauth/token",
        kind: 1,
        attributes: { "http.route": "/oauth/token", "error.type": "unsupported_grant_type" },
        code: 2,
      },
      { name: "mintmark/oauth/revoke", kind: 1, attributes: { "http.route": "/oauth/revoke" }, code: 0 },
    ]);
    expect(JSON.stringify(recorder.spans().map(({ attributes, status }) => [attributes, status]))).not.toContain(
      "canary",
    );
  });

  it("write the audit records of the procedures", async () => {
    await using server = await openServer({ open: false });
    const client = await addClient(server.service, { permissions: ["issue"] });
    const { json } = await postForm(server.url, "token", { as: client, parameters: CREDENTIALS });
    await postForm(server.url, "token", { as: client, parameters: { ...CREDENTIALS, scope: "admin" } });
    await postForm(server.url, "revoke", { as: client, parameters: { token: String(json.access_token) } });
    const { records } = await server.service.audit.list(localCaller, { limit: 3 });
    const { clientId } = client;
    expect(records).toMatchObject([
      { action: "revokeToken", outcome: "allowed", clientId },
      { action: "getToken", outcome: "refused", reason: "permission_denied", clientId },
      { action: "getToken", outcome: "allowed", clientId, subject: clientId },
    ]);
  });
});

describe("the refusals of a public client, whom anybody can name", () => {
  it("are counted, and written as one record for each action and reason", async () => {
    await using server = await openServer({ open: false });
    const { clientId } = await addClient(server.service, { authMethod: "none", grants: ["refresh_token"] });
    const { token } = await server.service.getToken(localCaller, { claims: {} });
    const before = await server.service.audit.list(localCaller, { limit: 100 });
    for (const [endpoint, parameters] of [
      ["token", CREDENTIALS],
      ["token", CREDENTIALS],
      ["introspect", { token }],
      ["revoke", { token }],
      ["revoke", { token }],
      ["revoke", { token }],
    ] as const)
      await postForm(server.url, endpoint, { parameters: { ...parameters, client_id: clientId } });
    expect(await server.service.audit.list(localCaller, { limit: 100 })).toEqual(before);
    await server.service.maintenance();
    const { records } = await server.service.audit.list(localCaller, { clientId, limit: 100 });
    const counted = { outcome: "refused", reason: "permission_denied", clientId };
    expect(records.toSorted((a, b) => a.action.localeCompare(b.action))).toMatchObject([
      { ...counted, action: "getToken", count: 2 },
      { ...counted, action: "introspectToken", count: 1 },
      { ...counted, action: "revokeToken", count: 3 },
    ]);
  });
});

describe("the limits of calls", () => {
  it("are those of the procedures, with Retry-After", async () => {
    await using server = await openServer({
      open: false,
      rateLimits: { issue: { perClient: 2 }, verify: { perClient: 1 } },
    });
    const as = await addClient(server.service, { permissions: ["issue", "introspect"] });
    const statuses = [];
    for (const endpoint of ["token", "token", "token", "introspect", "introspect", "revoke", "revoke"]) {
      const { status, headers, json } = await postForm(server.url, endpoint, {
        as,
        parameters: { ...CREDENTIALS, token: "x" },
      });
      statuses.push(`${endpoint} ${status}`);
      if (status === 429) {
        expect(json).toMatchObject({ error: "temporarily_unavailable", error_reason: "rate_limited" });
        expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      }
    }
    expect(statuses).toEqual([
      "token 200",
      "token 200",
      "token 429",
      "introspect 200",
      "introspect 429",
      "revoke 200",
      "revoke 200",
    ]);
  });

  it("count guesses of a secret, in the header and in the form alike", async () => {
    await using server = await openServer({ open: false });
    const { clientId } = await addClient(server.service);
    const reasons = new Set();
    for (let guess = 0; guess < 20; guess += 1) {
      const wrong = { clientId, clientSecret: `wrong${guess}` };
      const inForm = { client_id: clientId, client_secret: wrong.clientSecret };
      const [as, more] = guess % 2 === 0 ? [wrong, {}] : [undefined, inForm];
      const { json } = await postForm(server.url, "token", { as, parameters: { ...CREDENTIALS, ...more } });
      reasons.add(json.error_reason);
    }
    expect([...reasons]).toEqual(["invalid_client", "too_many_attempts"]);
  });
});
