import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { StartError } from "../../src/errors.ts";
import { answerByListener } from "../../src/http/fetch-bridge.ts";
import type { FetchHandlerOptions } from "../../src/http/options.ts";
import { createFetchHandler, createRequestHandler, localCaller } from "../../src/index.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { ISSUER, openService } from "../support/service.ts";

const silent = { logger: pino({ level: "silent" }) };
const APP = "https://app.example";
const JSON_BODY = { "content-type": "application/json" };

/** Listens on a free port. Closed at the end of its block. */
async function listen(listener: RequestListener) {
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("the fetch handler answers as the listener of node:http does", () => {
  const open = async () => {
    const opened = await openService({ open: false });
    const options = { ...silent, origins: [APP] };
    const client = await addClient(opened.service, { permissions: ["admin"], anySubject: true, scopes: ["*"] });
    const { token } = await opened.service.getToken(localCaller, { claims: {}, subject: "ada" });
    return {
      opened,
      token,
      authorization: basic(client),
      handle: createFetchHandler(opened.service, options),
      server: await listen(createRequestHandler(opened.service, options)),
    };
  };
  let both: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    both = await open();
  });
  afterAll(async () => {
    await both.server[Symbol.asyncDispose]();
    await both.opened[Symbol.asyncDispose]();
  });

  /** Of the connection, or new in every answer. `node:http` omits the length of a text. */
  const OWN = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);
  const TOKEN = /eyJ[\w.-]+/g;
  const read = async (response: Response) => ({
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => !OWN.has(name))),
    text: (await response.text()).replace(TOKEN, "TOKEN"),
  });

  const post = (input: unknown, headers: Record<string, string> = {}) => ({
    method: "POST",
    headers: { ...JSON_BODY, ...headers },
    body: typeof input === "string" ? input : JSON.stringify(input),
  });
  const preflight = { method: "OPTIONS", headers: { origin: APP, "access-control-request-method": "POST" } };

  it.each<[string, RequestInit, number]>([
    ["/", {}, 200],
    ["/", { method: "HEAD" }, 200],
    ["/docs", {}, 200],
    ["/start.css", { headers: { "if-none-match": "*" } }, 304],
    ["/healthz", { method: "OPTIONS" }, 204],
    ["/healthz", { method: "DELETE" }, 405],
    ["/readyz?x", {}, 200],
    ["/.well-known/jwks.json", { headers: { origin: "https://other.example" } }, 200],
    ["/openapi.json", { method: "HEAD" }, 200],
    ["/nothing", {}, 404],
    ["//docs", {}, 404],
    ["/metrics", {}, 401],
    ["/verify", {}, 401],
    ["/verify?x", {}, 400],
    ["/verify", { headers: { authorization: "Bearer TOKEN" } }, 200],
    ["/trpc/getToken", {}, 401],
    ["/trpc/getToken", { headers: { authorization: "CLIENT" } }, 200],
    ["/trpc/getToken", post({ subject: "ada", scope: "a" }, { authorization: "CLIENT" }), 200],
    ["/trpc/getToken", post({ subject: 1 }, { authorization: "CLIENT" }), 400],
    ["/trpc/getToken", post("{", { authorization: "CLIENT" }), 400],
    ["/trpc/getToken,keys.list?batch=1", post({ 0: {} }, { authorization: "CLIENT" }), 200],
    ["/trpc/verifyToken,nothing?batch=1", post({ 0: { token: "x" } }), 207],
    ["/trpc/getToken%2CgetToken?batch=1", { headers: { authorization: "CLIENT" } }, 200],
    ["/trpc/verifyToken", post({ token: "TOKEN" }), 200],
    ["/trpc/verifyToken", post({ token: "x" }), 401],
    ["/trpc/verifyToken", post({ token: "x".repeat(70_000) }), 413],
    ["/trpc/verifyToken", post({ token: "x" }, { "content-type": "text/plain" }), 415],
    ["/trpc/verifyToken", post({ token: "x" }, { "content-encoding": "gzip" }), 415],
    ["/trpc/verifyToken", post({ token: "x" }, { origin: "https://other.example" }), 403],
    ["/trpc/verifyToken", post({ token: "TOKEN" }, { origin: APP }), 200],
    ["/trpc/verifyToken", preflight, 204],
    ["/trpc/nothing", {}, 404],
    ["/trpc/getToken", { method: "PUT" }, 405],
    ["/trpc/events", {}, 401],
  ])("%s %o: %d", async (path, init, status) => {
    const text = JSON.stringify(init).replace("CLIENT", both.authorization).replace("TOKEN", both.token);
    const { headers, ...rest } = JSON.parse(text) as RequestInit;
    const length = rest.body && { "content-length": String(Buffer.byteLength(String(rest.body))) };
    const request = { ...rest, headers: { "x-request-id": "same", ...length, ...(headers as Record<string, string>) } };
    const url = both.server.origin + path;
    const byNode = await read(await fetch(url, request));
    const byFetch = await read(await both.handle(new Request(url, request)));
    expect(byFetch.status).toBe(status);
    expect(byFetch).toEqual(byNode);
  });
});

describe("the feed of the fetch handler", () => {
  async function openFeed(options: FetchHandlerOptions = {}) {
    const opened = await openService();
    const handle = createFetchHandler(opened.service, { ...silent, ...options });
    const leaving = new AbortController();
    const response = await handle(new Request(`${ISSUER}/trpc/events`, { signal: leaving.signal }));
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    const received = async (words: string) => {
      for (let text = ""; ; ) {
        if (text.includes(words)) return text;
        text += (await reader.read()).value ?? "";
      }
    };
    return { opened, response, reader, leaving, received, [Symbol.asyncDispose]: opened[Symbol.asyncDispose] };
  }

  it("streams a snapshot, and a revocation as it happens", async () => {
    await using feed = await openFeed();
    expect(feed.response.headers.get("content-type")).toBe("text/event-stream");
    await feed.received('"reset":true');
    await feed.opened.service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    expect(await feed.received('"ada"')).toContain("data: ");
    await feed.reader.cancel();
  });

  it.each([
    ["cancels the body", ({ reader }: { reader: { cancel(): Promise<void> } }) => reader.cancel()],
    ["aborts the request", ({ leaving }: { leaving: AbortController }) => leaving.abort()],
  ])("ends where the platform %s", async (_name, leave) => {
    await using feed = await openFeed();
    await feed.received("connected");
    expect(feed.opened.service.metrics.read().followers).toBe(1);
    await leave(feed);
    await vi.waitFor(() => expect(feed.opened.service.metrics.read().followers).toBe(0));
  });

  it("ends with the service", async () => {
    await using feed = await openFeed();
    await feed.received("connected");
    feed.opened.service.endFeeds();
    for (let part = await feed.reader.read(); !part.done; part = await feed.reader.read());
  });
});

describe("a stream of the bridge", () => {
  const request = () => new Request("http://127.0.0.1/");

  it("waits for its client", async () => {
    let isReady = true;
    let drained = 0;
    const answer = await answerByListener(
      (_, response) => {
        response.on("drain", () => {
          drained += 1;
        });
        while (isReady) isReady = response.write("x".repeat(1000));
      },
      request(),
      undefined,
    );
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const before = drained;
    for (let size = 0; size < 17_000; ) size += (await reader.read()).value?.byteLength ?? 0;
    expect(drained).toBeGreaterThan(before);
  });

  it("is broken off where its client reads nothing for the timeout", async () => {
    const closed = vi.fn();
    const answer = await answerByListener(
      (_, response) => {
        response.on("close", closed);
        response.setTimeout(20, () => response.destroy());
        while (response.write("x".repeat(1000)));
      },
      request(),
      undefined,
    );
    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
    await expect(answer.text()).rejects.toThrow("reads nothing");
  });

  it("is not broken off where its client reads slowly", async () => {
    const closed = vi.fn();
    const answer = await answerByListener(
      (_, response) => {
        response.on("close", closed);
        response.setTimeout(200, () => response.destroy());
        while (response.write("x".repeat(1000)));
        response.on("drain", () => response.write("x".repeat(1000)));
      },
      request(),
      undefined,
    );
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (let at = 0; at < 30; at += 1) {
      await reader.read();
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    expect(closed).not.toHaveBeenCalled();
    await reader.cancel();
    expect(closed).toHaveBeenCalledOnce();
  });
});

describe("the fetch handler below a path", () => {
  const BASE = "/api/auth";

  it("serves Hono: the typed client, a verifier that follows, and pages whose links lead below it", async () => {
    await using opened = await openService({ clock: () => Math.floor(Date.now() / 1000) });
    const { service } = opened;
    const handler = createFetchHandler(service, { ...silent, basePath: BASE });
    const app = new Hono();
    app.all(`${BASE}/*`, (c) => handler(c.req.raw));
    await using server = await listen(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
    const url = server.origin + BASE;
    const client = createTokenClient({ url });
    const { token } = await client.getToken.query({ subject: "ada" });
    const verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url });
    await verifier.ready;
    expect(await verifier.verify(token)).toMatchObject({ sub: "ada" });
    await client.revokeToken.mutate({ token });
    await vi.waitFor(() => expect(verifier.verify(token)).rejects.toMatchObject({ reason: "token_revoked" }));
    for (const page of ["", "/", "/docs", "/docs/"]) {
      const response = await fetch(url + page);
      const links = [...(await response.text()).matchAll(/(?:src|href)="(?!data:|#)([^"]+)"/g)].map(
        ([, link = ""]) => link,
      );
      expect(links.length).toBeGreaterThan(2);
      for (const link of links) {
        const target = new URL(link, url + page);
        expect(target.pathname.startsWith(`${BASE}/`), `${page} ${link}`).toBe(true);
        const { status } = await fetch(target, { method: "HEAD" });
        expect([link, status]).toEqual([link, 200]);
      }
    }
    verifier.close();
  });

  it("takes the path of the issuer by default", async () => {
    await using opened = await openService({ open: false, issuer: "https://app.example/api/auth" });
    const handle = createFetchHandler(opened.service, silent);
    expect((await handle(new Request("https://app.example/api/auth/healthz"))).status).toBe(200);
    expect((await handle(new Request("https://app.example/api/authentic/healthz"))).status).toBe(404);
  });
});

describe("open access by the fetch handler", () => {
  it("is refused for an issuer that is not loopback", async () => {
    await using opened = await openService({ issuer: "https://app.example" });
    expect(() => createFetchHandler(opened.service)).toThrow(StartError);
    expect(() => createFetchHandler(opened.service)).toThrow(/Set open: false$/);
  });

  it.each([
    { sent: "to this machine", status: 200 },
    { sent: "to a URL of another name, as by DNS rebinding", url: "http://evil.example", status: 403 },
    { sent: "with a Host of another name", headers: { host: "evil.example" }, status: 403 },
    { sent: "for another machine by X-Forwarded-For", headers: { "x-forwarded-for": "192.0.2.1" }, status: 403 },
    { sent: "by a page of another site", headers: { origin: "https://evil.example" }, status: 403 },
  ])("answers a request $sent by $status", async ({ url = ISSUER, headers = {}, status }) => {
    await using opened = await openService();
    const handle = createFetchHandler(opened.service, silent);
    const response = await handle(new Request(`${url}/trpc/getToken`, { headers: headers as Record<string, string> }));
    expect(response.status).toBe(status);
  });

  it("is for clients of this machine alone where their address is known", async () => {
    await using opened = await openService();
    const at = (address: string) =>
      createFetchHandler(opened.service, { ...silent, address: () => address })(new Request(`${ISSUER}/trpc/getToken`));
    expect((await at("127.0.0.1")).status).toBe(200);
    expect((await at("192.0.2.1")).status).toBe(403);
  });
});

describe("the address of a client", () => {
  const wrong = basic({ clientId: "nobody", clientSecret: "x" });

  /** Fails as often as an address may and more, each time as another client. Returns the last status. */
  async function guess(options: FetchHandlerOptions, headers: Record<string, string> = {}) {
    await using opened = await openService({ open: false });
    const handle = createFetchHandler(opened.service, { ...silent, ...options });
    let status = 0;
    for (let at = 0; at <= 100; at += 1) {
      const authorization = basic({ clientId: `nobody ${at}`, clientSecret: "x" });
      const response = await handle(new Request(`${ISSUER}/trpc/getToken`, { headers: { ...headers, authorization } }));
      ({ status } = response);
    }
    return status;
  }

  it("counts for limits where it is given, by the platform or by a trusted proxy", async () => {
    expect(await guess({ address: () => "192.0.2.1" })).toBe(429);
    const forwarded = { "x-forwarded-for": "198.51.100.1, 192.0.2.1" };
    expect(await guess({ trustProxy: ["10.0.0.0/8"] }, forwarded)).toBe(429);
  });

  it("counts for none where it is unknown; then failures are limited by client", async () => {
    expect(await guess({}, { "x-forwarded-for": "192.0.2.1" })).toBe(401);
    await using opened = await openService({ open: false });
    const handle = createFetchHandler(opened.service, silent);
    const statuses = [];
    for (let at = 0; at <= 10; at += 1)
      statuses.push(
        (await handle(new Request(`${ISSUER}/trpc/getToken`, { headers: { authorization: wrong } }))).status,
      );
    expect(statuses).toEqual([...Array(10).fill(401), 429]);
  });
});

it.each([
  [{ basePath: "/auth/" }, "basePath must be a path such as /api/auth, without a slash at its end"],
  [{ basePath: "auth" }, "basePath must be a path such as /api/auth, without a slash at its end"],
  [{ address: "127.0.0.1" }, "address must be a function"],
  [{ port: 1 }, "unknown option port"],
])("createFetchHandler refuses %o", async (options, message) => {
  await using opened = await openService();
  expect(() => createFetchHandler(opened.service, options as never)).toThrow(`createFetchHandler: ${message}`);
});
