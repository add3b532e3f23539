import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { createAddressOf } from "../../src/http/request/client.ts";
import { createRequestHandler, createTokenServer } from "../../src/http/server.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { send } from "../support/request.ts";
import { ISSUER, openServer, openService } from "../support/service.ts";

/** Serves the address that requests are taken to come from, by each of some lists of trusted proxies. */
const lists: Record<string, string[]> = {
  none: [],
  loopback: ["loopback"],
  chain: ["loopback", "10.0.0.0/8", "2001:db8::/32"],
  others: ["10.0.0.0/8"],
};
const readers = new Map(Object.entries(lists).map(([name, list]) => [`/${name}`, createAddressOf(list)]));
const server = createServer((request, response) => {
  response.end(readers.get(request.url ?? "")?.(request));
});
let url = "";
beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

async function addressBy(list: keyof typeof lists, forwarded?: string | string[]): Promise<string> {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return (await send(`${url}/${list}`, { headers })).text;
}

describe("the address of a request", () => {
  it.each([
    ["none", "192.0.2.1", "127.0.0.1"],
    ["others", "192.0.2.1", "127.0.0.1"],
    ["loopback", undefined, "127.0.0.1"],
    ["loopback", "192.0.2.1", "192.0.2.1"],
    ["loopback", "198.51.100.7, 192.0.2.1", "192.0.2.1"],
    ["loopback", "198.51.100.7, 10.1.2.3", "10.1.2.3"],
    ["chain", "198.51.100.7, 10.1.2.3", "198.51.100.7"],
    ["chain", "6.6.6.6, 198.51.100.7,10.1.2.3 ,2001:DB8::5,  ::1", "198.51.100.7"],
    ["chain", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
    ["chain", "192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1"],
    ["loopback", "2001:db8::1", "2001:db8::1"],
    ["loopback", "[2001:db8::1]:4711", "2001:db8::1"],
    ["loopback", "192.0.2.1:4711", "192.0.2.1"],
  ] as const)("with %s trusted and %j forwarded is %s", async (list, forwarded, address) => {
    expect(await addressBy(list, forwarded)).toBe(address);
  });

  it("is read from several headers as from one", async () => {
    expect(await addressBy("loopback", ["198.51.100.7", "192.0.2.1"])).toBe("192.0.2.1");
    expect(await addressBy("chain", ["198.51.100.7, 10.0.0.1", "10.0.0.2"])).toBe("198.51.100.7");
  });

  it.each([
    "",
    ",",
    " ",
    "unknown",
    "192.0.2.1, ",
    "192.0.2.1, evil",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "[::1",
    "_hidden",
  ])("is the trusted proxy's own if it forwards an invalid address: %j", async (forwarded) => {
    expect(await addressBy("loopback", forwarded)).toBe("127.0.0.1");
  });

  it("is an address for any forwarded header", () => {
    const addressOf = createAddressOf(["loopback", "10.0.0.0/8"]);
    const part = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.1", "::1", "%", "[", "]:1"));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const headers = { "x-forwarded-for": parts.join(",") };
        const request = { headers, socket: { remoteAddress: "127.0.0.1" } } as unknown as Parameters<
          typeof addressOf
        >[0];
        expect(addressOf(request)).toMatch(/^[0-9a-f.:]+(%.*)?$/i);
      }),
    );
  });

  it.each([
    "example.org",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "",
    "fe80::1%eth0",
    "LOOPBACK",
  ])("rejects a proxy named %j", (entry) => {
    expect(() => createAddressOf([entry])).toThrow(StartError);
  });
});

const rateLimits = { verify: { perAddress: 1 } };
const clients = { open: false, rateLimits } as const;

/** A service for clients alone behind a server that trusts what calls from this machine. */
async function openBehindProxy() {
  const opened = await openService(clients);
  const logger = pino({ level: "silent" });
  const running = await createTokenServer(opened.service, { port: 0, trustProxy: ["loopback"], logger });
  return { ...opened, url: running.origin, [Symbol.asyncDispose]: running.close };
}

function verify(url: string, headers: Record<string, string>) {
  const body = JSON.stringify({ token: "bad" });
  return send(`${url}/trpc/verifyToken`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

describe("a server behind a trusted proxy", () => {
  it("counts by the address that the proxy appends, not by addresses to its left", async () => {
    await using behind = await openBehindProxy();
    const statuses = [];
    for (const forwarded of ["192.0.2.1", "192.0.2.2", "1.1.1.1, 192.0.2.1", "2.2.2.2, 192.0.2.1"])
      statuses.push((await verify(behind.url, { "x-forwarded-for": forwarded })).status);
    expect(statuses).toEqual([401, 401, 429, 429]);
    await behind.service.maintenance();
    const { records } = await behind.service.audit.list(localCaller, { limit: 1 });
    expect(records).toMatchObject([{ reason: "rate_limited", address: "192.0.2.1", count: 2 }]);
  });

  it("admits pages of the issuer for any Host of the proxy, and no other page", async () => {
    await using opened = await openService({ ...clients, issuer: "https://tokens.example", rateLimits: {} });
    const running = await createTokenServer(opened.service, {
      port: 0,
      trustProxy: ["loopback"],
      logger: pino({ level: "silent" }),
    });
    const from = async (origin: string) => (await verify(running.origin, { host: "upstream:3000", origin })).status;
    expect(await from("https://tokens.example")).toBe(401);
    for (const origin of ["https://evil.example", "https://tokens.example.evil", "null", "https://tokens.example:444"])
      expect(await from(origin)).toBe(403);
    await running.close();
  });
});

describe("a server", () => {
  it("ignores X-Forwarded-For without a trusted proxy", async () => {
    await using server = await openServer(clients);
    const statuses = [];
    for (const forwarded of ["192.0.2.1", "192.0.2.2"])
      statuses.push((await verify(server.url, { "x-forwarded-for": forwarded })).status);
    expect(statuses).toEqual([401, 429]);
  });

  it("trusts no proxy where access is open", async () => {
    await using opened = await openService();
    expect(() => createRequestHandler(opened.service, { trustProxy: ["10.0.0.1"] })).toThrow(StartError);
  });

  it("derives nothing about itself from X-Forwarded-Host, -Proto, Forwarded or Host", async () => {
    await using server = await openServer();
    const headers = {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "gopher",
      "x-forwarded-prefix": "/evil",
      "x-original-url": "/evil",
      "x-rewrite-url": "/evil",
      forwarded: "for=192.0.2.1;host=evil.example;proto=gopher",
    };
    for (const path of ["/", "/docs", "/openapi.json", "/.well-known/jwks.json", "/trpc/getToken", "/nowhere"]) {
      const { text, ...answer } = await send(`${server.url}${path}`, { headers });
      const without = await send(`${server.url}${path}`);
      expect(answer.status).toBe(without.status);
      expect(JSON.stringify([text, answer.headers])).not.toMatch(/evil|gopher/);
    }
    const { token } = JSON.parse((await send(`${server.url}/trpc/getToken`, { headers })).text).result.data;
    expect(await server.service.verifyToken({ token })).toMatchObject({ iss: ISSUER, aud: ISSUER });
  });
});
