import { expect } from "vitest";
import { openTarget } from "../../support/http-attacks.ts";
import { raw, statuses } from "../../support/raw.ts";
import { send } from "../../support/request.ts";
import { ISSUER } from "../../support/service.ts";
import type { Suite } from "./rows.ts";

/** What is smuggled in: a request that would give a token. */
const INNER = "GET /trpc/getToken HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const CHUNKED = `0\r\n\r\n${INNER}`;

const request = (headers: string[], body: string) =>
  `${["POST /trpc/verifyToken HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", ...headers, "", ""].join("\r\n")}${body}`;

/** Shapes that two servers on one way might read in two ways. */
const SMUGGLED: [name: string, bytes: string][] = [
  ["a length beside chunks", request(["Content-Length: 4", "Transfer-Encoding: chunked"], CHUNKED)],
  ["chunks beside a length", request(["Transfer-Encoding: chunked", `Content-Length: ${CHUNKED.length}`], CHUNKED)],
  ["two lengths", request(["Content-Length: 2", "Content-Length: 40"], `{}${INNER}`)],
  ["two lengths in one header", request(["Content-Length: 2, 40"], `{}${INNER}`)],
  ["a length with a sign", request(["Content-Length: +2"], `{}${INNER}`)],
  ["a negative length", request(["Content-Length: -2"], `{}${INNER}`)],
  ["a length in hexadecimal", request(["Content-Length: 0x2"], `{}${INNER}`)],
  ["a length beyond all numbers", request(["Content-Length: 18446744073709551618"], `{}${INNER}`)],
  ["a space before the colon", request(["Transfer-Encoding : chunked"], CHUNKED)],
  ["a folded header", request(["Transfer-Encoding:", " chunked", "Content-Length: 2"], `{}${INNER}`)],
  ["an encoding behind chunks", request(["Transfer-Encoding: chunked, identity"], CHUNKED)],
  ["an unknown encoding", request(["Transfer-Encoding: xchunked"], CHUNKED)],
  ["a chunk of no size", request(["Transfer-Encoding: chunked"], `\r\n\r\n${INNER}`)],
  ["a chunk with a size of a sign", request(["Transfer-Encoding: chunked"], `+0\r\n\r\n${INNER}`)],
  ["a chunk of more than all bytes", request(["Transfer-Encoding: chunked"], `ffffffffffffffffff\r\n${INNER}`)],
  ["a chunk that is longer than it says", request(["Transfer-Encoding: chunked"], `1\r\n{}\r\n${CHUNKED}`)],
  ["NUL in a header", request(["X-Nul: a\0b", "Content-Length: 2"], `{}${INNER}`)],
  ["a header without a colon", request(["Nothing", "Content-Length: 2"], `{}${INNER}`)],
  ["two Hosts", request(["Host: evil.example", "Content-Length: 2"], `{}${INNER}`)],
  ["line feeds alone", "GET /trpc/getToken HTTP/1.1\nHost: 127.0.0.1\n\n"],
  ["a carriage return alone", "GET /trpc/getToken HTTP/1.1\rHost: 127.0.0.1\r\r"],
  ["HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["the greeting of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
];

export function framingAttacks({ row, open }: Suite): void {
  for (const [name, bytes] of SMUGGLED) {
    row("request smuggling", `${name} gives one answer, 400, and no token`, async () => {
      const text = await raw(open.url, bytes);
      expect(text).not.toContain("eyJ");
      expect(statuses(text)).toEqual([400]);
    });
  }

  row("request smuggling", "a body longer than its length begins the next request, which is none", async () => {
    const text = await raw(open.url, request(["Content-Length: 2"], "{}garbage\r\n\r\n"));
    expect(new Set(statuses(text))).toEqual(new Set([400]));
    expect(text).not.toContain("eyJ");
  });

  row("request smuggling", "a body with a GET, with or without a length, is neither input nor a request", async () => {
    const body = '{"subject":"eve"}';
    const bodies: [headers: string, sent: string][] = [
      [`Content-Length: ${body.length}\r\n`, body],
      ["Transfer-Encoding: chunked\r\n", `11\r\n${body}\r\n0\r\n\r\n`],
    ];
    for (const [headers, sent] of bodies) {
      const bytes = `GET /trpc/getToken HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${headers}\r\n${sent}`;
      const text = await raw(open.url, bytes);
      // One answer: it is refused, since a body is never sent by accident.
      expect(statuses(text)).toEqual([400]);
      expect(text).toContain("has a body in a GET");
    }
  });

  row(
    "request smuggling",
    "requests in one piece are answered one by one and in order, and those behind a bad one are not",
    async () => {
      const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
      const last = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
      const many = Array.from({ length: 60 }, (_, at) => get(at % 3 === 0 ? "/trpc/getToken" : `/nowhere/${at}`)).join(
        "",
      );
      const answered = Array.from({ length: 60 }, (_, at) => (at % 3 === 0 ? 200 : 404));
      expect(statuses(await raw(open.url, many + last))).toEqual([...answered, 200]);
      const behind = await raw(open.url, `${get("/healthz")}BAD\r\n\r\n${INNER}`);
      expect(statuses(behind).at(-1)).toBe(400);
      expect(behind).not.toContain("eyJ");
    },
  );

  row("request smuggling", "HTTP/1.0 is answered once and hung up on, and without Host it is refused", async () => {
    const old = "GET /trpc/getToken HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    expect(statuses(await raw(open.url, old))).toEqual([200]);
    expect(statuses(await raw(open.url, old + INNER))).toHaveLength(1);
    for (const nameless of ["GET /trpc/getToken HTTP/1.0\r\n\r\n", "GET /trpc/getToken\r\n\r\n"])
      expect(statuses(await raw(open.url, nameless))).toEqual([403]);
  });

  row(
    "host header",
    "a request without Host, with two, or with another's is refused where access is open",
    async () => {
      const of = (line: string) => raw(open.url, `GET /trpc/getToken HTTP/1.1\r\n${line}Connection: close\r\n\r\n`);
      expect(statuses(await of(""))).toEqual([400]);
      for (const host of [
        "evil.example",
        "",
        "127.0.0.1@evil.example",
        "127.0.0.1:80:80",
        "[::1",
        "127.0.0.1 evil",
        "2130706433x",
      ]) {
        const text = await of(`Host: ${host}\r\n`);
        expect([host, statuses(text)]).toEqual([host, [403]]);
        expect(text).not.toContain("evil");
      }
    },
  );

  row("host header", "an absolute URL names no other host, and no way past the guard", async () => {
    const of = (target: string, host: string) =>
      raw(open.url, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    for (const [target, served] of [
      ["http://evil.example/trpc/getToken", 403],
      ["http://127.0.0.1.evil.example/trpc/getToken", 403],
      ["http://127.0.0.1@evil.example/trpc/getToken", 400],
      ["http:///trpc/getToken", 400],
      ["http://127.0.0.1/trpc/getToken", 200],
      ["//evil.example/trpc/getToken", 404],
      ["//127.0.0.1/trpc/getToken", 404],
    ] as const) {
      expect([target, statuses(await of(target, "127.0.0.1"))]).toEqual([target, [served]]);
      const text = await of(target, "evil.example");
      expect([target, statuses(text)]).toEqual([target, [served === 400 ? 400 : 403]]);
      expect(text).not.toContain("eyJ");
    }
    for (const line of ["CONNECT 127.0.0.1:80 HTTP/1.1", "OPTIONS * HTTP/1.1", "GET trpc/getToken HTTP/1.1"])
      expect(await raw(open.url, `${line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)).not.toContain("eyJ");
  });

  row("host header", "the issuer is never taken from a request", async () => {
    await using target = await openTarget({ open: false, issuer: ISSUER });
    for (const path of ["/", "/openapi.json", "/docs", "/.well-known/jwks.json"])
      expect((await send(`${target.url}${path}`, { headers: { host: "evil.example" } })).text).not.toContain("evil");
  });

  row("proxy trust", "what a proxy says is no address, host or URL where none is trusted", async () => {
    await using target = await openTarget({ open: false, rateLimits: { verify: { perAddress: 2 } } });
    const body = '{"token":"bad"}';
    const seen: number[] = [];
    for (const header of [
      "x-forwarded-for",
      "x-real-ip",
      "forwarded",
      "true-client-ip",
      "cf-connecting-ip",
      "x-client-ip",
    ]) {
      const headers = { "content-type": "application/json", [header]: `192.0.2.${seen.length}` };
      seen.push((await send(`${target.url}/trpc/verifyToken`, { method: "POST", headers, body })).status);
    }
    expect(seen).toEqual([401, 401, 429, 429, 429, 429]);
  });
}
