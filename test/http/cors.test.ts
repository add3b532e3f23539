import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openTarget, post } from "../support/http-attacks.ts";
import { type RawRequest, send } from "../support/request.ts";
import { openService } from "../support/service.ts";

const APP = "https://app.example";
const FROM_APP = { origin: APP, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };

let server: Awaited<ReturnType<typeof openTarget>>;
let authorization: string;
beforeAll(async () => {
  server = await openTarget({ open: false }, { origins: [APP, "http://localhost:5173"] });
  authorization = basic(await addClient(server.service, { permissions: ["issue", "follow_events"] }));
});
afterAll(() => server[Symbol.asyncDispose]());

const ask = (path: string, request: RawRequest = {}) => send(`${server.url}${path}`, request);
const corsOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control-")));
const words = (header: unknown) => String(header).split(/, */).sort();

const WRONG = basic({ clientId: "nobody", clientSecret: "x" });

/** What the answer to a page of a named origin has, and nothing more: never credentials. */
const READABLE = {
  "access-control-allow-origin": APP,
  "access-control-expose-headers": "retry-after, www-authenticate, x-request-id",
};

describe("a page of a named origin", () => {
  it.each([
    ["GET", "/trpc/getToken", "authorization"],
    ["POST", "/trpc/getToken,verifyToken?batch=1", "authorization,content-type,trpc-accept"],
    ["GET", "/trpc/events", "authorization,cache-control,last-event-id"],
    ["POST", "/trpc/nothing", "content-type"],
    ["DELETE", "/trpc/getToken", "x-other"],
  ])("receives a preflight answer for a %s of %s with %s", async (method, path, wanted) => {
    const asking = { "access-control-request-method": method, "access-control-request-headers": wanted };
    const { headers, ...answer } = await ask(path, { method: "OPTIONS", headers: { ...FROM_APP, ...asking } });
    expect(answer).toEqual({ status: 204, text: "" });
    const { "access-control-allow-headers": allowed, ...others } = corsOf(headers);
    expect(others).toEqual({
      ...READABLE,
      "access-control-allow-methods": "GET, POST",
      "access-control-max-age": "7200",
    });
    expect(words(allowed)).toEqual(
      expect.arrayContaining(["authorization", "content-type", "last-event-id", "trpc-accept"]),
    );
    expect(words(headers.vary)).toContain("origin");
    expect(headers.allow).toBe("GET, POST, OPTIONS");
  });

  it.each<[name: string, status: number, call: () => [path: string, request: RawRequest]]>([
    ["a token", 200, () => ["/trpc/getToken", { headers: { authorization } }]],
    ["a batch", 200, () => ["/trpc/getToken,getToken?batch=1", post({}, { authorization })]],
    [
      "lines",
      200,
      () => ["/trpc/getToken?batch=1", { headers: { authorization, "trpc-accept": "application/jsonl" } }],
    ],
    ["a refusal of its credentials", 401, () => ["/trpc/getToken", { headers: { authorization: WRONG } }]],
    ["a refusal of a token", 401, () => ["/trpc/verifyToken", post({ token: "x" })]],
    ["a refusal of its input", 400, () => ["/trpc/getToken", post({ foo: 1 }, { authorization })]],
    ["that there is no such procedure", 404, () => ["/trpc/nothing", {}]],
    ["that there is no such method", 405, () => ["/trpc/getToken", { method: "DELETE" }]],
    ["that its body is no JSON", 415, () => ["/trpc/verifyToken", post({}, { "content-type": "text/plain" })]],
    ["that its body is too large", 413, () => ["/trpc/verifyToken", post("x".repeat(70_000))]],
    ["that its feed is refused", 401, () => ["/trpc/events", {}]],
    ["that its path cannot be decoded", 400, () => ["/trpc/%", {}]],
  ])("can read %s", async (_name, status, call) => {
    const [path, { headers = {}, ...rest }] = call();
    const answer = await ask(path, { ...rest, headers: { ...headers, ...FROM_APP } });
    expect(answer.status).toBe(status);
    expect(corsOf(answer.headers)).toEqual(READABLE);
    expect(words(answer.headers.vary)).toContain("origin");
  });

  it("can follow the events", async () => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const response = await fetch(`${server.url}/trpc/events`, { headers: { ...FROM_APP, authorization }, signal });
    expect(response.status).toBe(200);
    expect(corsOf(Object.fromEntries(response.headers))).toEqual(READABLE);
    expect(words(response.headers.get("vary"))).toEqual(["accept", "origin", "trpc-accept"]);
    leaving.abort();
  });

  it("can read nothing else: no page, no metrics", async () => {
    for (const path of ["/", "/docs", "/metrics", "/healthz", "/readyz", "/nothing"])
      expect([path, corsOf((await ask(path, { headers: { ...FROM_APP, authorization } })).headers)]).toEqual([
        path,
        {},
      ]);
  });
});

describe("a page of any other origin", () => {
  it.each([
    "https://evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example.evil.example",
    "https://www.app.example",
    "https://APP.example",
    "https://app.example/",
    "https://app.example, https://evil.example",
    "https://app.example https://evil.example",
    "null",
    "",
  ])("(%j) is rejected, with and without a preflight", async (origin) => {
    const headers = { ...FROM_APP, origin };
    const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
    for (const request of [
      { headers: { ...headers, authorization } },
      post({}, { ...headers, authorization }),
      { method: "OPTIONS", headers: { ...headers, ...preflight } },
    ]) {
      const { status, headers: answered, text } = await ask("/trpc/getToken", request);
      expect([status, JSON.parse(text).error.data.reason]).toEqual([403, "forbidden_origin"]);
      expect(corsOf(answered)).toEqual({});
      expect(words(answered.vary)).toContain("origin");
    }
  });

  it("is not admitted by a request without Origin", async () => {
    for (const mode of ["no-cors", "navigate"]) {
      const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": mode, authorization };
      expect(await ask("/trpc/getToken", { headers })).toMatchObject({ status: 403 });
    }
  });
});

describe("the JWK Set and the API description", () => {
  it.each(["/.well-known/jwks.json", "/openapi.json"])("%s can be read by pages of every origin", async (path) => {
    const origin = { origin: "https://anything.example", "sec-fetch-site": "cross-site" };
    const get = await ask(path, { headers: origin });
    const etag = String(get.headers.etag);
    const asking = { "access-control-request-method": "GET", "access-control-request-headers": "cache-control" };
    const answers = [
      get,
      await ask(path),
      await ask(path, { method: "HEAD", headers: origin }),
      await ask(path, { headers: { ...origin, "if-none-match": etag } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 304]);
    for (const { headers } of answers) expect(corsOf(headers)).toEqual({ "access-control-allow-origin": "*" });
    const before = await ask(path, { method: "OPTIONS", headers: { ...origin, ...asking } });
    expect([before.status, corsOf(before.headers)]).toEqual([
      204,
      {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "*",
        "access-control-max-age": "7200",
      },
    ]);
  });

  it("can be read where access is open, and nothing else can", async () => {
    await using open = await openTarget();
    const headers = { origin: "https://anything.example" };
    for (const [path, cors] of [
      ["/.well-known/jwks.json", { "access-control-allow-origin": "*" }],
      ["/openapi.json", { "access-control-allow-origin": "*" }],
      ["/", {}],
      ["/healthz", {}],
      ["/metrics", {}],
      ["/trpc/getToken", {}],
    ] as const)
      expect([path, corsOf((await send(`${open.url}${path}`, { headers })).headers)]).toEqual([path, cors]);
    // A name that was rebound is another name still.
    expect(await send(`${open.url}/.well-known/jwks.json`, { headers: { host: "evil.example" } })).toMatchObject({
      status: 403,
    });
  });
});

describe("the option origins", () => {
  it("sends no CORS headers where no origin is named", async () => {
    await using plain = await openTarget({ open: false });
    const { headers } = await send(`${plain.url}/trpc/getToken`, { headers: { origin: plain.url } });
    expect(corsOf(headers)).toEqual({});
    expect(words(headers.vary)).not.toContain("origin");
  });

  it("admits loopback origins alone where access is open", async () => {
    await using open = await openTarget({}, { origins: ["http://localhost:5173"] });
    const page = { origin: "http://localhost:5173", "sec-fetch-site": "cross-site" };
    expect(await send(`${open.url}/trpc/getToken`, post({}, page))).toMatchObject({ status: 200 });
    expect(await send(`${open.url}/trpc/getToken`, { headers: { ...page, host: "evil.example" } })).toMatchObject({
      status: 403,
    });
    const other = { ...page, origin: "http://localhost:5174" };
    expect(await send(`${open.url}/trpc/getToken`, post({}, other))).toMatchObject({ status: 403 });
    for (const origins of [["https://app.example"], ["http://localhost:5173", "https://app.example"]])
      expect(() => createRequestHandler(open.service, { origins })).toThrow(/^Access is open, so origins/);
  });

  it.each(["*", "null", "https://app.example/", "http://app.example", "app.example", ""])(
    "refuses %j",
    async (origin) => {
      await using opened = await openService({ open: false });
      expect(() => createRequestHandler(opened.service, { origins: [APP, origin] })).toThrow(StartError);
    },
  );
});
