import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "vitest";
import { ask, openTarget, post } from "../../support/http-attacks.ts";
import { raw, statuses } from "../../support/raw.ts";
import { send } from "../../support/request.ts";
import type { Suite } from "./rows.ts";

const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"];
const POLLUTION = '{"polluted":true,"prototype":{"polluted":true},"token":"x","open":true}';

/** Headers of an answer, all of which the server itself chooses. */
const HEADERS = [
  "date",
  "connection",
  "keep-alive",
  "content-type",
  "content-length",
  "cache-control",
  "vary",
  "allow",
];
const MORE_HEADERS = [
  "x-content-type-options",
  "www-authenticate",
  "retry-after",
  "transfer-encoding",
  "etag",
  "x-request-id",
];

export function inputAttacks({ row, open }: Suite): void {
  row(
    "prototype pollution",
    "by a body, a query, a path or a header changes no prototype and serves nothing",
    async () => {
      const before = NAMES.map((name) => (Object.prototype as Record<string, unknown>)[name]);
      const keys = Object.getOwnPropertyNames(Object.prototype);
      for (const name of NAMES) {
        const nested = `{"${name}":${POLLUTION}}`;
        for (const procedure of ["getToken", "verifyToken", "clients.create", "keys.rotate", "audit.list"]) {
          for (const body of [nested, `{"token":"x","${name}":${POLLUTION}}`, `{"0":${nested},"${name}":${nested}}`])
            for (const query of ["", "?batch=1"])
              expect((await ask(open.url, `${procedure}${query}`, post(body))).status).toBeLessThan(500);
        }
        for (const query of [
          `${name}[polluted]=true`,
          `${name}=1&batch=1&input=${encodeURIComponent(nested)}`,
          `input[${name}]=1`,
        ])
          expect((await ask(open.url, `getToken?${query}`)).status).toBeLessThan(500);
        for (const path of [name, `${name}.polluted`, `getToken.${name}`, `keys.${name}`, `keys,${name}?batch=1`])
          expect((await ask(open.url, path)).status).toBe(404);
        expect((await ask(open.url, `${name},getToken?batch=1`)).reasons).toEqual(["not_found", "served"]);
        expect((await send(`${open.url}/${name}`)).status).toBe(404);
        expect((await ask(open.url, "getToken", { headers: { [name]: POLLUTION } })).status).toBe(200);
      }
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(keys);
      expect(NAMES.map((name) => (Object.prototype as Record<string, unknown>)[name])).toEqual(before);
    },
  );

  row("bad encoding", "of a path, a query, a body or credentials is refused, and not repeated", async () => {
    for (const path of [
      "%",
      "%E0%A4%A",
      "getToken%",
      "%c0%ae",
      "getToken?input=%",
      "getToken?input=%E0%A4%A",
      "getToken?input=%00",
      "getToken%00",
    ]) {
      const { status, text } = await ask(open.url, path);
      expect([path, status >= 400 && status < 500]).toEqual([path, true]);
      expect(text).not.toMatch(/position|URI|JSON|Unexpected|SyntaxError/);
    }
    for (const body of ["\ufeff{", "{'a':1}", '{"token":"\\x"}', '{"token":1e}', "NaN", '{"token":"a"}}', "{}\0"]) {
      const { status, reasons, text } = await ask(open.url, "verifyToken", post(body));
      expect([body, status, reasons[0]]).toEqual([body, 400, "malformed_request"]);
      expect(text).not.toMatch(/position|Unexpected|SyntaxError/);
    }
    const bytes = new Uint8Array([0x7b, 0xff, 0xfe, 0xc0, 0x80, 0x7d]);
    expect((await ask(open.url, "verifyToken", { ...post(""), body: bytes })).status).toBe(400);
    for (const compressed of ["gzip", "br", "deflate"])
      expect((await ask(open.url, "verifyToken", post("\x1f\x8b\b", { "content-encoding": compressed }))).status).toBe(
        415,
      );
  });

  row("zod error leak", "an input that is refused is not repeated, by no procedure", async () => {
    const canary = "secret-canary";
    for (const [procedure, input] of [
      ["getToken", { subject: { [canary]: canary } }],
      ["getToken", { [canary]: 1 }],
      ["getToken", { [`${canary} with spaces`]: 1 }],
      ["getToken", { claims: { [canary]: "\ud800" } }],
      ["getToken", { scope: `${canary}  ${canary}` }],
      ["getToken", { expiresIn: canary }],
      ["verifyToken", { token: [canary] }],
      ["verifyToken", { token: canary, audience: 5, [canary]: canary }],
      ["refreshToken", { refreshToken: { canary } }],
      ["revoke", { subject: canary, clientId: canary }],
      ["clients.create", { name: "x", permissions: [canary] }],
      ["keys.rotate", { immediate: canary }],
    ] as const) {
      const { status, text, reasons } = await ask(open.url, procedure, post(input));
      expect([procedure, status, reasons]).toEqual([procedure, 400, ["invalid_request"]]);
      const error = JSON.parse(text).error;
      expect(JSON.stringify([error.message, error.data.issues]).replaceAll(`has no field ${canary}`, "")).not.toContain(
        canary,
      );
    }
  });

  row("header injection", "a line break in anything that is sent becomes no header of the answer", async () => {
    await using closed = await openTarget({ open: false });
    const breaks = ["\r\n", "\n", "\r", "\u0085", "\u2028", "%0d%0a", "%E5%98%8A%E5%98%8D"];
    for (const at of breaks) {
      const injected = `x${at}Set-Cookie: canary=1${at}${at}<script>`;
      const answers = [
        ask(open.url, `getToken?input=${encodeURIComponent(JSON.stringify({ subject: injected }))}`),
        ask(open.url, encodeURIComponent(injected)),
        ask(open.url, "getToken", post({ scope: injected, audience: injected })),
        ask(open.url, "verifyToken", post({ token: injected, scope: injected })),
        ask(
          closed.url,
          "getToken",
          post({}, { authorization: `Basic ${btoa(encodeURIComponent(`${injected}:${injected}`))}` }),
        ),
        ask(open.url, "getToken", {
          headers: { "last-event-id": "x", origin: `http://x${encodeURIComponent(injected)}` },
        }),
        send(`${open.url}/${encodeURIComponent(injected)}`),
      ];
      for (const { headers } of await Promise.all(answers)) {
        const names = Object.keys(headers).filter((name) => ![...HEADERS, ...MORE_HEADERS].includes(name));
        expect([at, names]).toEqual([at, []]);
        expect(JSON.stringify(headers)).not.toContain("canary");
      }
    }
  });

  row("known tRPC flaws", "are those of other versions: this one is 11.15 at least", async () => {
    const manifest = createRequire(import.meta.url).resolve("@trpc/server/package.json");
    const [major = 0, minor = 0] = JSON.parse(readFileSync(manifest, "utf8")).version.split(".").map(Number);
    expect(major).toBe(11);
    expect(minor).toBeGreaterThanOrEqual(15);
  });

  row(
    "known tRPC flaws",
    "are not in reach: no WebSocket is opened, and bad connection parameters end no server",
    async () => {
      const upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
      for (const path of ["/trpc/", "/trpc/getToken", "/trpc/events?connectionParams=1"]) {
        const socket = raw(open.url, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade}Connection: close\r\n\r\n`);
        expect(statuses(await Promise.race([socket, send(`${open.url}/healthz`).then(() => "")]))).not.toContain(101);
      }
      for (const sent of ["1", "null", "[]", '"x"', '{"a":1}', "{", '{"__proto__":{"a":"1"}}'])
        for (const procedure of ["getToken", "verifyToken"])
          expect(
            (await ask(open.url, `${procedure}?connectionParams=${encodeURIComponent(sent)}`)).status,
          ).toBeLessThan(500);
    },
  );
}
