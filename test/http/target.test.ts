import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTargetParser } from "../../src/http/routes.ts";
import { raw, statuses } from "../support/raw.ts";
import { openServer } from "../support/service.ts";

let open: Awaited<ReturnType<typeof openServer>>;
let closed: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  open = await openServer();
  closed = await openServer({ open: false });
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
});

/** The status of an answer to a request line, and headers as they stand. */
async function asked(line: string, { url = open.url, host = "127.0.0.1:3000" as string | undefined } = {}) {
  const named = host === undefined ? "" : `Host: ${host}\r\n`;
  return statuses(await raw(url, `${line}\r\n${named}Connection: close\r\n\r\n`));
}

describe("a request target", () => {
  it.each([
    ["GET /healthz HTTP/1.1", 200],
    ["GET /healthz?verbose HTTP/1.1", 200],
    ["GET http://127.0.0.1:3000/healthz HTTP/1.1", 200],
    ["GET HTTP://LOCALHOST/healthz HTTP/1.1", 200],
    ["GET https://127.0.0.1:3000/healthz?x=/trpc/ HTTP/1.1", 200],
    ["GET http://[::1]:3000/healthz HTTP/1.1", 200],
    ["GET http://127.0.0.1:3000 HTTP/1.1", 200],
    ["GET http://127.0.0.1:3000?x HTTP/1.1", 200],
    ["GET http://127.0.0.1:3000/trpc/getToken HTTP/1.1", 200],
    ["GET http://127.0.0.1:3000/trpc/getToken,getToken?batch=1 HTTP/1.1", 200],
    ["GET http://127.0.0.1:3000/trpc/verifyToken HTTP/1.1", 405],
    ["GET http://127.0.0.1:3000/nothing HTTP/1.1", 404],
    ["HEAD http://127.0.0.1:3000/docs HTTP/1.1", 200],
    ["OPTIONS http://127.0.0.1:3000/healthz HTTP/1.1", 204],
    ["OPTIONS * HTTP/1.1", 204],
    ["GET * HTTP/1.1", 404],
    ["GET //healthz HTTP/1.1", 404],
    ["GET /healthz/ HTTP/1.1", 404],
    ["GET /%2Fhealthz HTTP/1.1", 404],
    ["GET /%68ealthz HTTP/1.1", 404],
    ["GET /x/../healthz HTTP/1.1", 404],
    ["GET /healthz#x HTTP/1.1", 404],
    ["GET %2Fhealthz HTTP/1.1", 400],
    ["GET healthz HTTP/1.1", 400],
    ["GET ftp://127.0.0.1:3000/healthz HTTP/1.1", 400],
    ["GET http:///healthz HTTP/1.1", 400],
    ["GET http://ada@127.0.0.1:3000/healthz HTTP/1.1", 400],
    ["GET http://127.0.0.1\\healthz HTTP/1.1", 400],
  ])("%s is answered %s", async (line, status) => {
    expect(await asked(line)).toEqual([status]);
  });

  it("with an asterisk is answered by the methods of the server (RFC 9110 §9.3.7)", async () => {
    const text = await raw(open.url, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(text).toMatch(/^allow: GET, HEAD, POST, OPTIONS\r$/m);
  });

  it("in absolute form is counted by its route", async () => {
    const metrics = async () => raw(open.url, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
    const count = (text: string) => /http_requests_total\{route="\/readyz",status="2xx"\} (\d+)/.exec(text)?.[1] ?? "0";
    const before = Number(count(await metrics()));
    await asked("GET http://127.0.0.1/readyz HTTP/1.1");
    expect(Number(count(await metrics()))).toBe(before + 1);
  });
});

describe("a request without Host", () => {
  it.each([
    ["/healthz", 200],
    ["/readyz", 200],
    ["/.well-known/jwks.json", 200],
    ["/openapi.json", 200],
    ["/", 403],
    ["/docs", 403],
    ["/metrics", 403],
    ["/trpc/getToken", 403],
    ["/trpc/verifyToken", 403],
    ["/nothing", 403],
  ])("gets %s where access is open: %s", async (path, status) => {
    for (const version of [" HTTP/1.0", ""])
      expect(statuses(await raw(open.url, `GET ${path}${version}\r\n\r\n`))).toEqual([status]);
    expect(await asked(`GET ${path} HTTP/1.0`, { host: "" })).toEqual([status]);
    expect(await asked(`GET ${path} HTTP/1.0`, { host: "evil.example" })).toEqual([403]);
    expect(await asked(`GET http://evil.example${path} HTTP/1.0`, { host: undefined })).toEqual([403]);
  });

  it("is served where its target names a loopback host", async () => {
    expect(await asked("GET http://127.0.0.1/trpc/getToken HTTP/1.0", { host: undefined })).toEqual([200]);
  });

  it("gets everything but the procedures where access is for clients", async () => {
    for (const [path, status] of [
      ["/healthz", 200],
      ["/", 200],
      ["/trpc/getToken", 401],
    ] as const)
      expect(await asked(`GET ${path} HTTP/1.0`, { url: closed.url, host: undefined })).toEqual([status]);
  });
});

describe("createTargetParser", () => {
  const served = new Set(["/", "/docs", "/trpc/getToken"]);
  const reader = (basePath: string) => createTargetParser({ basePath, isServed: (path) => served.has(path) });

  it.each([
    ["/auth", "/auth/docs?x=1", { path: "/docs", query: "x=1" }],
    ["/auth", "/auth/", { path: "/", query: "" }],
    ["/auth", "/auth/trpc/getToken", { path: "/trpc/getToken" }],
    ["/auth", "http://id.example/auth/docs", { path: "/docs", authority: "id.example" }],
    ["/auth", "/docs", { path: "/docs" }],
    ["/auth", "/authentic/docs", { path: "/authentic/docs" }],
    ["/auth", "/AUTH/docs", { path: "/AUTH/docs" }],
    ["/auth", "/auth", { path: "/auth" }],
    ["/auth", "/auth/auth/docs", { path: "/auth/auth/docs" }],
    ["/auth", "/auth//docs", { path: "/auth//docs" }],
    ["/a/b", "/a/b/docs", { path: "/docs" }],
    ["/a/b", "/a/docs", { path: "/a/docs" }],
    ["/trpc", "/trpc/getToken", { path: "/trpc/getToken" }],
    ["/trpc", "/trpc/trpc/getToken", { path: "/trpc/getToken" }],
    ["", "/auth/docs", { path: "/auth/docs" }],
  ])("below %j takes %s for %o", (basePath, url, target) => {
    expect(reader(basePath)(url)).toMatchObject(target);
  });
});
