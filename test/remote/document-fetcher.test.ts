import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { isLoopbackAddress } from "../../src/remote/addresses.ts";
import { createDocumentFetcher, type FetcherOptions } from "../../src/remote/document-fetcher.ts";
import { certificateFor, serveByTls, serveBytes, serveDocuments } from "../support/document-server.ts";
import { countConnections } from "../support/outbound.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/** A fetcher for servers on loopback. */
const fetcher = (options: Partial<FetcherOptions> = {}) =>
  createDocumentFetcher({ maxBytes: 1000, isAllowed: isLoopbackAddress, ...options });

/** Fetches from a server that answers every request with the head and body. */
async function fetchFrom(head: Record<string, string>, body: string | Buffer = "{}", status = 200) {
  await using server = await serveDocuments((_request, response) => response.writeHead(status, head).end(body));
  return await fetcher()(`http://127.0.0.1:${server.port}/document`);
}

describe("createDocumentFetcher", () => {
  it("fetches a JSON object by a plain request on a connection of its own", async () => {
    const requests: object[] = [];
    await using server = await serveDocuments(({ method, url, headers }, response) => {
      requests.push({ method, url, headers });
      response.writeHead(200, JSON_HEADERS).end('{"keys":[]}');
    });
    const fetch = fetcher();
    const url = `http://127.0.0.1:${server.port}/jwks.json?tenant=1`;
    for (let count = 0; count < 2; count += 1)
      expect(await fetch(url)).toEqual({ outcome: "fetched", document: { keys: [] }, lifetime: 300 });
    expect(server.connections()).toBe(2);
    expect(requests[0]).toEqual({
      method: "GET",
      url: "/jwks.json?tenant=1",
      headers: {
        accept: "application/json",
        "accept-encoding": "identity",
        "user-agent": "mintmark",
        host: `127.0.0.1:${server.port}`,
        connection: "close",
      },
    });
  });

  it("fetches from localhost without DNS", async () => {
    await using server = await serveDocuments((_request, response) => response.writeHead(200, JSON_HEADERS).end("{}"));
    const resolve = async () => expect.unreachable();
    expect(await fetcher({ resolve })(`http://localhost:${server.port}/`)).toMatchObject({ outcome: "fetched" });
  });

  it.each([
    "application/json",
    "Application/JSON; charset=utf-8",
    "application/jwk-set+json",
    "application/vnd.example.v1+json ; v=1",
  ])("accepts the content type %s", async (type) => {
    expect(await fetchFrom({ "content-type": type })).toMatchObject({ outcome: "fetched" });
  });

  it.each([
    [undefined, undefined, 300],
    ["max-age=600", undefined, 600],
    ["max-age=600", "200", 400],
    ["max-age=600", "590", 60],
    ["max-age=5", undefined, 60],
    ["max-age=9999999", undefined, 86400],
    ["public, Max-Age=120", undefined, 120],
    ["no-store", undefined, 60],
    ["no-cache, max-age=600", undefined, 60],
    ["max-age=x", undefined, 300],
  ])("with Cache-Control %s and Age %s, lives for %d s", async (cacheControl, age, lifetime) => {
    const head = { ...(cacheControl && { "cache-control": cacheControl }), ...(age && { age }) };
    expect(await fetchFrom({ ...JSON_HEADERS, ...head })).toMatchObject({ lifetime });
  });

  it.each([
    ["not_json", "no content type", {}, "{}"],
    ["not_json", "the content type text/html", { "content-type": "text/html" }, "{}"],
    ["not_json", "the content type text/json", { "content-type": "text/json" }, "{}"],
    ["not_json", "the content type application/jsonp", { "content-type": "application/jsonp" }, "{}"],
    ["not_json", "no body", JSON_HEADERS, ""],
    ["not_json", "a list", JSON_HEADERS, "[]"],
    ["not_json", "a text", JSON_HEADERS, '"{}"'],
    ["not_json", "a part of an object", JSON_HEADERS, "{"],
    ["not_json", "a member twice", JSON_HEADERS, '{"a":1,"a":2}'],
    ["not_json", "a prototype", JSON_HEADERS, '{"__proto__":{}}'],
    ["not_json", "invalid UTF-8", JSON_HEADERS, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["not_json", "deep nesting", JSON_HEADERS, `{"a":${"[".repeat(400)}${"]".repeat(400)}}`],
    ["too_large", "1,001 bytes", JSON_HEADERS, `{"a":"${"x".repeat(993)}"}`],
    ["encoded", "a gzip bomb", { ...JSON_HEADERS, "content-encoding": "gzip" }, gzipSync(Buffer.alloc(10_000_000))],
    ["encoded", "an unknown encoding", { ...JSON_HEADERS, "content-encoding": "br" }, "{}"],
    ["encoded", "two encodings", { ...JSON_HEADERS, "content-encoding": "identity, gzip" }, "{}"],
  ] as const)("refuses as %s a response with %s", async (...[reason, , head, body]) => {
    expect(await fetchFrom(head, body as string)).toEqual({ outcome: "failed", reason, detail: undefined });
  });

  it.each([201, 203, 204, 206, 400, 401, 404, 410, 429, 500, 503])("refuses the status %d", async (status) => {
    expect(await fetchFrom(JSON_HEADERS, "{}", status)).toEqual({
      outcome: "failed",
      reason: "status",
      detail: String(status),
    });
  });

  it.each([300, 301, 302, 303, 304, 307, 308])("does not follow a redirect by %d", async (status) => {
    await using lure = await countConnections();
    expect(await fetchFrom({ ...JSON_HEADERS, location: lure.url }, "{}", status)).toEqual({
      outcome: "failed",
      reason: "redirected",
      detail: String(status),
    });
    expect(lure.count().arrivals).toBe(0);
  });
});

describe("a document fetcher limits", () => {
  it.each([
    ["too_large", 200, JSON_HEADERS],
    ["status", 404, JSON_HEADERS],
    ["redirected", 302, { location: "https://client.example/" }],
    ["encoded", 200, { ...JSON_HEADERS, "content-encoding": "gzip" }],
    ["not_json", 200, { "content-type": "text/html" }],
  ] as const)("the size of a body without an end, and hangs up: %s", async (reason, status, head) => {
    const closed: Promise<unknown>[] = [];
    await using server = await serveDocuments((_request, response) => {
      response.writeHead(status, head);
      const write = () => {
        while (!response.destroyed && response.write("x".repeat(10_000)));
      };
      response.on("drain", write);
      closed.push(once(response, "close"));
      write();
    });
    expect(await fetcher()(`http://127.0.0.1:${server.port}/`)).toMatchObject({ reason });
    await Promise.all(closed);
  });

  it("the size that a head announces, before the body", async () => {
    await using server = await serveBytes((socket) =>
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1001\r\n\r\n"),
    );
    expect(await fetcher()(`http://127.0.0.1:${server.port}/`)).toMatchObject({ reason: "too_large" });
  });

  it("accepts a body of exactly its limit", async () => {
    const body = `{"a":"${"x".repeat(992)}"}`;
    expect(body).toHaveLength(1000);
    expect(await fetchFrom(JSON_HEADERS, body)).toMatchObject({ outcome: "fetched" });
  });

  it.each([
    ["a silent server", () => {}],
    ["a head without an end", (write: (text: string) => void) => write("HTTP/1.1 200 OK\r\nx: ")],
    [
      "a body without an end",
      (write: (text: string) => void) =>
        write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"),
    ],
  ])("the time of a fetch from %s", async (_, answer) => {
    await using server = await serveBytes((socket) => {
      answer((text) => socket.write(text));
    });
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await fetcher({ timeoutMs: 100 })(url)).toEqual({ outcome: "failed", reason: "timeout", detail: undefined });
  });

  it("the time of a fetch from a server that sends a byte at a time", async () => {
    await using server = await serveBytes((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{");
      const timer = setInterval(() => socket.write(" "), 10);
      socket.on("close", () => clearInterval(timer));
    });
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await fetcher({ timeoutMs: 150 })(url)).toMatchObject({ reason: "timeout" });
  });

  it("the time of a resolver that never answers", async () => {
    const fetch = fetcher({ timeoutMs: 50, resolve: () => new Promise(() => {}) });
    expect(await fetch("https://client.example/")).toMatchObject({ reason: "timeout" });
  });

  it("its fetches to one for each URL, and to 64 in all", async () => {
    const answers: (() => void)[] = [];
    await using server = await serveDocuments((_request, response) => {
      answers.push(() => response.writeHead(200, JSON_HEADERS).end("{}"));
      if (answers.length === 64) for (const answer of answers) answer();
    });
    const fetch = fetcher({ timeoutMs: 20_000 });
    const urls = Array.from({ length: 64 }, (_, at) => `http://127.0.0.1:${server.port}/${at}`);
    const outcomes = [...urls, ...urls].map(fetch);
    expect(await fetch(`http://127.0.0.1:${server.port}/64`)).toMatchObject({ reason: "busy" });
    for (const outcome of await Promise.all(outcomes)) expect(outcome.outcome).toBe("fetched");
    expect(server.connections()).toBe(64);
  });
});

describe("a document fetcher reports a failure", () => {
  it("of a server that hangs up, before or within its response, or that speaks no HTTP", async () => {
    const answers = [
      "",
      "SSH-2.0-OpenSSH_9.6\r\n",
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
      `HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\n\r\n{}`,
    ];
    for (const answer of answers) {
      await using server = await serveBytes((socket) => socket.end(answer));
      expect(await fetcher()(`http://127.0.0.1:${server.port}/`)).toMatchObject({ reason: "unreachable" });
    }
  });

  it("of a server that switches protocols, and of one that answers only for the time being", async () => {
    const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    for (const answer of [upgrade, `HTTP/1.1 103 Early Hints\r\n\r\n${upgrade}`]) {
      await using server = await serveBytes((socket) => socket.write(answer));
      expect(await fetcher()(`http://127.0.0.1:${server.port}/`)).toMatchObject({ reason: "unreachable" });
    }
  });

  it("of a closed port and of an unknown name, with the code", async () => {
    const server = await serveDocuments(() => {});
    await server[Symbol.asyncDispose]();
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await fetcher()(url)).toEqual({ outcome: "failed", reason: "unreachable", detail: "ECONNREFUSED" });
    const resolve = async () => {
      throw Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" });
    };
    expect(await fetcher({ resolve })("https://client.example/")).toMatchObject({ detail: "ENOTFOUND" });
  });
});

describe("a document fetcher by TLS", async () => {
  const name = "client.example";
  const { key, cert } = certificateFor(name);
  const answer = (response: ServerResponse) => response.writeHead(200, JSON_HEADERS).end("{}");

  it("connects to the checked address, under the name of the URL", async () => {
    const hosts: unknown[] = [];
    await using server = await serveByTls(
      ({ headers }, response) => {
        hosts.push(headers.host);
        answer(response);
      },
      { key, cert },
    );
    const fetch = fetcher({ ca: cert, resolve: async () => ["127.0.0.1"] });
    expect(await fetch(`https://${name}:${server.port}/`)).toMatchObject({ outcome: "fetched" });
    expect(hosts).toEqual([`${name}:${server.port}`]);
  });

  it.each([
    ["for another name", "other.example", cert, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["of an unknown authority", name, certificateFor(name).cert, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["of an unknown authority", name, undefined, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ])("refuses a certificate %s, also where the environment turns the check off", async (...[, host, ca, detail]) => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      await using server = await serveByTls((_request, response) => answer(response), { key, cert });
      const fetch = fetcher({ resolve: async () => ["127.0.0.1"], ...(ca && { ca }) });
      expect(await fetch(`https://${host}:${server.port}/`)).toMatchObject({ reason: "unreachable", detail });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  it("resolves a name once: a second answer with another address is never used (rebinding)", async () => {
    await using listed = await serveByTls((_request, response) => answer(response), { key, cert, host: "127.0.0.2" });
    const { port } = listed;
    await using internal = await serveByTls((_request, response) => answer(response), { key, cert, port });
    const answers = [["127.0.0.2"], ["127.0.0.1"]];
    const resolved: string[] = [];
    const fetch = fetcher({
      ca: cert,
      isAllowed: (address) => address === "127.0.0.2",
      async resolve(host) {
        resolved.push(host);
        return answers[resolved.length - 1] ?? [];
      },
    });
    expect(await fetch(`https://${name}:${port}/`)).toMatchObject({ outcome: "fetched" });
    expect(resolved).toEqual([name]);
    expect(await fetch(`https://${name}:${port}/`)).toMatchObject({ reason: "not_allowed_address" });
    expect([listed.connections(), internal.connections()]).toEqual([1, 0]);
  });

  it("uses no proxy of the environment", async () => {
    await using proxy = await countConnections();
    const names = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"];
    for (const variable of names) process.env[variable] = variable.startsWith("NODE") ? "1" : proxy.url;
    try {
      await using server = await serveByTls((_request, response) => answer(response), { key, cert });
      const fetch = fetcher({ ca: cert, resolve: async () => ["127.0.0.1"] });
      expect(await fetch(`https://${name}:${server.port}/`)).toMatchObject({ outcome: "fetched" });
      expect(proxy.count().arrivals).toBe(0);
    } finally {
      for (const variable of names) delete process.env[variable];
    }
  });
});

describe("a document fetcher connects to no other address than the public internet's", () => {
  // Of every socket, TLS or not.
  const connect = vi.spyOn(Socket.prototype, "connect");
  beforeEach(() => void connect.mockClear());
  afterAll(() => connect.mockRestore());

  it.each([
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1]/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "http://localhost/",
    "http://127.0.0.1/",
    "http://[::1]/",
  ])("not by %s", async (url) => {
    const resolve = async () => expect.unreachable();
    expect(await createDocumentFetcher({ maxBytes: 1000, resolve })(url)).toMatchObject({
      reason: "not_allowed_address",
    });
    expect(connect).not.toHaveBeenCalled();
  });

  it.each([
    [["127.0.0.1"]],
    [["10.0.0.1"]],
    [["169.254.169.254"]],
    [["::1"]],
    [["::ffff:10.0.0.1"]],
    [["fd00:ec2::254"]],
    // One of several is enough: Node would try all.
    [["1.1.1.1", "10.0.0.1"]],
    [["10.0.0.1", "1.1.1.1"]],
    [["1.1.1.1", "2606:4700::1111", "fe80::1"]],
    [["1.1.1.1", "not an address"]],
    [[...Array(20).fill("1.1.1.1"), "127.0.0.1"]],
    [[]],
  ])("not by a name with the addresses %j", async (addresses) => {
    const fetch = createDocumentFetcher({ maxBytes: 1000, resolve: async () => addresses });
    expect(await fetch("https://client.example/")).toMatchObject({ reason: "not_allowed_address" });
    expect(connect).not.toHaveBeenCalled();
  });

  it.each([
    "",
    "client.example",
    "//client.example/",
    "http://client.example/",
    "http://10.0.0.1/",
    "http://localhost.example/",
    "http://a.localhost/",
    "http://localhost./",
    "ftp://client.example/",
    "file:///etc/passwd",
    "data:application/json,{}",
    "javascript:1",
    "unix:/var/run/docker.sock",
    "https:client.example/",
    "https:/client.example/",
    "https:///client.example/",
    "https://",
    "https://user@client.example/",
    "https://user:secret@client.example/",
    "https://@client.example/",
    "https://client.example/#",
    "https://client.example/#key",
    "https://client.example\\@127.0.0.1/",
    "https://client.example/\\..\\",
    " https://client.example/",
    "https://client.example/\n",
    "https://client.example/a b",
    "https://client.example/é",
    "https://clіent.example/",
    "https://client.example:99999/",
    "https://client.example:x/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://999.1.1.1/",
    `https://client.example/${"x".repeat(2048)}`,
  ])("not by the URL %.60s", async (url) => {
    const resolve = async () => expect.unreachable();
    const fetch = createDocumentFetcher({ maxBytes: 1000, resolve, isAllowed: () => true });
    expect(await fetch(url)).toEqual({ outcome: "failed", reason: "not_allowed_url", detail: undefined });
  });

  it("not by http to a name of loopback, where loopback is not all that is allowed", async () => {
    await using server = await serveDocuments((_request, response) => response.writeHead(200, JSON_HEADERS).end("{}"));
    const fetch = createDocumentFetcher({ maxBytes: 1000, isAllowed: () => true });
    expect(await fetch(`http://127.0.0.1:${server.port}/`)).toMatchObject({ outcome: "fetched" });
    expect(connect).toHaveBeenCalled();
    expect(await fetch(`http://[::ffff:127.0.0.1]:${server.port}/`)).toMatchObject({ reason: "not_allowed_url" });
  });
});
