import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCrossSiteCheck } from "../../src/http/request/origin.ts";
import { createTokenServer } from "../../src/http/server.ts";
import { send } from "../support/request.ts";
import { openServer, openService } from "../support/service.ts";

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer({ issuer: "https://tokens.example" });
});
afterAll(() => server[Symbol.asyncDispose]());

const getToken = (headers: Record<string, string>) => send(`${server.url}/trpc/getToken`, { headers });

describe("open access", () => {
  it.each(["127.0.0.1", "127.1.2.3:80", "localhost:3000", "[::1]:3000", "tokens.example"])(
    "serves the host %s",
    async (host) => {
      expect(await getToken({ host })).toMatchObject({ status: 200 });
    },
  );

  it.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "tokens.example.evil",
    "a b",
  ])("rejects the host %s (DNS rebinding)", async (host) => {
    const { status, text } = await getToken({ host });
    expect({ status, reason: JSON.parse(text).error.data.reason }).toEqual({ status: 403, reason: "forbidden_origin" });
    expect(await send(server.url, { headers: { host } })).not.toMatchObject({ status: 200 });
  });

  it.each(["203.0.113.7", "127.0.0.1, 203.0.113.7", "203.0.113.7, 127.0.0.1", "unknown", ""])(
    "rejects a request that a proxy forwards for %j",
    async (address) => {
      expect(await getToken({ "x-forwarded-for": address })).toMatchObject({ status: 403 });
    },
  );

  it("serves a local request through a proxy", async () => {
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1, ::1"])
      expect(await getToken({ "x-forwarded-for": address })).toMatchObject({ status: 200 });
  });

  it.each([
    ["another site's origin", { origin: "https://evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:9" }],
    ["an opaque origin", { origin: "null" }],
    ["a request of another site's page", { "sec-fetch-site": "cross-site" }],
    ["a request of a sibling's page", { "sec-fetch-site": "same-site" }],
  ])("refuses %s", async (_name, headers) => {
    const { status, text } = await getToken(headers);
    expect({ status, reason: JSON.parse(text).error.data.reason }).toEqual({ status: 403, reason: "forbidden_origin" });
  });

  it("serves its own pages", async () => {
    expect(await getToken({ origin: server.url, "sec-fetch-site": "same-origin" })).toMatchObject({ status: 200 });
    expect(await getToken({ "sec-fetch-site": "none" })).toMatchObject({ status: 200 });
  });

  it.each([
    ["of the same site, by a proxy that changes Host", "http://localhost:5173", "same-origin", 200],
    ["the same by another name", "http://127.0.0.1:5173", "same-origin", 200],
    ["the same by IPv6", "http://[::1]:5173", "same-origin", 200],
    ["the same by TLS", "https://localhost:8443", "same-origin", 200],
    ["of another port, asked for directly", "http://localhost:5173", "same-site", 403],
    ["of another name of this machine, asked for directly", "http://localhost:5173", "cross-site", 403],
    ["of this machine, by a browser that says nothing of sites", "http://localhost:5173", undefined, 403],
    ["of this machine, that nobody's page sent", "http://localhost:5173", "none", 403],
    ["of a name that was rebound to the proxy", "http://evil.example:5173", "same-origin", 403],
    ["of a name that only begins as this machine's", "http://localhost.evil.example:5173", "same-origin", 403],
    ["of an address that only begins so", "http://127.0.0.1.evil.example", "same-origin", 403],
    ["with this machine for a user", "http://localhost@evil.example", "same-origin", 403],
    ["of nowhere", "null", "same-origin", 403],
    ["of two origins", "http://localhost:5173, http://evil.example", "same-origin", 403],
    ["of a file", "file://localhost", "same-origin", 403],
    ["of what is no word of a browser's", "http://localhost:5173", "Same-Origin", 403],
    ["of the same origin and another site at once", "http://localhost:5173", "same-origin, cross-site", 403],
  ])("decides for a page %s (%s, %s): %s", async (...[, origin, site, status]) => {
    const headers = { host: "127.0.0.1:3000", origin, ...(site !== undefined && { "sec-fetch-site": site }) };
    expect(await getToken(headers)).toMatchObject({ status });
    expect(await getToken({ ...headers, host: "evil.example:5173" })).toMatchObject({ status: 403 });
  });

  it.each(["0.0.0.0", "::", "192.168.1.1", "example.org"])("rejects the address %s", async (host) => {
    await using opened = await openService();
    expect(() => createTokenServer(opened.service, { host, port: 0 })).toThrow(/not a loopback address/);
  });
});

describe("access for clients", () => {
  it.each([
    ["https://app.example", "same-origin", 401],
    ["http://localhost:5173", "same-origin", 401],
    ["https://app.example", "same-site", 403],
    ["https://app.example", "cross-site", 403],
    ["https://app.example", undefined, 403],
    ["https://app.example", "none", 403],
    ["null", "same-origin", 403],
  ])("decides by Sec-Fetch-Site for a page of %s behind a proxy that changes Host (%s): %s", async (...row) => {
    const [origin, site, status] = row;
    await using closed = await openServer({ open: false, issuer: OWN });
    const headers = { host: "tokens.internal", origin, ...(site !== undefined && { "sec-fetch-site": site }) };
    expect(await send(`${closed.url}/trpc/getToken`, { headers })).toMatchObject({ status });
  });
});

const OWN = "https://tokens.example";

describe("a check that the JIT has compiled", () => {
  /** A header as Node reads it: a character for each byte. */
  const read = (text: string) => Buffer.from(text).toString("latin1");
  const asked = (headers: object) => ({ headers }) as IncomingMessage;
  const times = Array.from({ length: 20_000 }, (_, at) => at % 50 === 0);

  // URL.canParse of Node 20 then says yes to what new URL throws at, which would be the end of the process.
  it("treats an invalid origin as cross-site", () => {
    const isFromElsewhere = createCrossSiteCheck(OWN);
    const answers = times.map((isOdd) =>
      isFromElsewhere(asked({ origin: read(isOdd ? "http://evil.ex😀ample" : OWN) })),
    );
    expect(answers).toEqual(times);
  });
});
