import { expect } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { ask, post } from "../../support/http-attacks.ts";
import { send } from "../../support/request.ts";
import type { Suite } from "./rows.ts";

/** What a page of another site can send without asking, as a browser sends it. */
const FORMS = [
  ["multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="input"\r\n\r\n{}\r\n--x--'],
  ["application/x-www-form-urlencoded", "input={}&batch=1"],
  ["text/plain", '{"immediate":true,"x":"="}'],
  ["text/plain; application/json", "{}"],
  ["application/octet-stream", "{}"],
  ["application/json, text/plain", "{}"],
  ["text/json", "{}"],
  ["application/jsonp", "{}"],
  ["application/x-json", "{}"],
  ["application", "{}"],
  ["", "{}"],
] as const;

export function pageAttacks({ row, open, closed, authorization }: Suite): void {
  const kids = async () => (await open.service.keys.list(localCaller)).length;

  row("CSRF via GET", "a page of another site gets nothing, can read nothing, and changes nothing", async () => {
    const before = await open.service.audit.list(localCaller, { limit: 1 });
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
      const answer = await ask(open.url, "getToken", { headers });
      expect(answer).toMatchObject({ status: 403, reasons: ["forbidden_origin"] });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
    expect(await open.service.audit.list(localCaller, { limit: 1 })).toEqual(before);
  });

  row("CSRF via GET", "no cookie and nothing else that a browser adds by itself lets anybody in", async () => {
    const headers = { cookie: `authorization=${encodeURIComponent(authorization)}; session=1` };
    expect(await ask(closed.url, "getToken", { headers })).toMatchObject({ status: 401, reasons: ["invalid_client"] });
    expect((await ask(closed.url, "getToken", { headers: { authorization } })).headers).not.toHaveProperty(
      "set-cookie",
    );
  });

  for (const [type, body] of FORMS) {
    row("CSRF via form", `a body of type ${JSON.stringify(type)} is refused before it is read`, async () => {
      const before = await kids();
      for (const procedure of ["keys.rotate", "verifyToken", "getToken", "keys.rotate?batch=1"])
        expect(
          await ask(open.url, procedure, { method: "POST", headers: { "content-type": type }, body }),
        ).toMatchObject({
          status: 415,
          reasons: ["unsupported_media_type"],
        });
      expect(await kids()).toBe(before);
    });
  }

  row("CSRF via form", "no body and no type runs no mutation, and JSON of another site neither", async () => {
    const before = await kids();
    expect((await ask(open.url, "keys.rotate", { method: "POST" })).status).toBe(415);
    expect((await ask(open.url, "keys.rotate", post({}, { origin: "https://evil.example" }))).status).toBe(403);
    const preflight = { "access-control-request-method": "POST", origin: "https://evil.example" };
    const answer = await ask(open.url, "keys.rotate", { method: "OPTIONS", headers: preflight });
    expect(JSON.stringify(answer.headers)).not.toContain("access-control");
    expect(await kids()).toBe(before);
  });

  row("method override", "a mutation is not run by GET, whatever else says POST", async () => {
    const before = await kids();
    for (const headers of [
      {},
      { "x-http-method-override": "POST" },
      { "x-http-method": "POST" },
      { "x-method-override": "POST" },
    ])
      for (const query of ["", "?_method=POST", "?batch=1", "?input={}", "?method=POST"])
        expect((await ask(open.url, `keys.rotate${query}`, { headers })).status).toBe(405);
    expect(await kids()).toBe(before);
  });

  row("method override", "a query by POST reads its body, and is refused with an input in its URL", async () => {
    const both = await ask(open.url, "getToken?input=%7B%22subject%22%3A%22eve%22%7D", post({ subject: "ada" }));
    expect({ status: both.status, reasons: both.reasons }).toEqual({ status: 400, reasons: ["malformed_request"] });
    const { text } = await ask(open.url, "getToken", post({ subject: "ada" }));
    const { token } = JSON.parse(text).result.data;
    expect(await open.service.verifyToken({ token })).toMatchObject({ sub: "ada" });
    expect((await ask(open.url, "getToken,verifyToken?batch=1", post({ 1: { token } }))).reasons).not.toContain(
      "served",
    );
  });

  row("HEAD, OPTIONS, PUT", "and any other method run nothing, and pass no check of who calls", async () => {
    const before = await kids();
    for (const method of ["HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "OPTIONS"]) {
      for (const url of [open.url, closed.url]) {
        for (const procedure of ["keys.rotate", "getToken", "nothing"]) {
          const { status, headers, text } = await send(`${url}/trpc/${procedure}`, { method });
          expect([method, status, headers.allow]).toEqual([
            method,
            method === "OPTIONS" ? 204 : 405,
            "GET, POST, OPTIONS",
          ]);
          expect(text).not.toContain("eyJ");
        }
      }
    }
    expect(await kids()).toBe(before);
  });
}
