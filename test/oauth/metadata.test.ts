import { describe, expect, it } from "vitest";
import { createFetchHandler } from "../../src/http/fetch-handler.ts";
import { send } from "../support/request.ts";
import { openServer, openService } from "../support/service.ts";

const PATH = "/.well-known/oauth-authorization-server";
const SECRET = "correct horse battery staple, twice over";

const metadataAt = async (url: string, headers: Record<string, string> = {}) =>
  JSON.parse((await send(url, { headers })).text);

describe("the metadata of the authorization server (RFC 8414)", () => {
  it("is cacheable, and can be read by pages of every origin", async () => {
    await using server = await openServer();
    const { status, headers } = await send(server.url + PATH, { headers: { origin: "https://any.example" } });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "public, max-age=600",
      "access-control-allow-origin": "*",
    });
    const known = { "if-none-match": String(headers.etag) };
    expect(await send(server.url + PATH, { headers: known })).toMatchObject({ status: 304 });
    expect(await send(server.url + PATH, { method: "POST" })).toMatchObject({ status: 405 });
  });

  it("has the configured issuer, and URLs below it", async () => {
    await using server = await openServer({ issuer: "https://id.example" });
    expect(await metadataAt(server.url + PATH)).toMatchObject({
      issuer: "https://id.example",
      jwks_uri: "https://id.example/.well-known/jwks.json",
      response_types_supported: [],
    });
  });

  it.each(["https://id.example/auth", "https://id.example/auth/", "https://id.example/a/b"])(
    "of the issuer %s is found below it, and before its path",
    async (issuer) => {
      await using server = await openServer({ issuer });
      const base = issuer.replace(/\/$/, "");
      const path = new URL(base).pathname;
      const expected = { issuer, jwks_uri: `${base}/.well-known/jwks.json` };
      for (const at of [PATH, path + PATH, PATH + path])
        expect(await metadataAt(server.url + at)).toMatchObject(expected);
      for (const at of [`${PATH}${path}/`, `${PATH}/other`, `/${PATH}`, `${PATH}/`])
        expect([at, (await send(server.url + at)).status]).toEqual([at, 404]);
    },
  );

  it("contains nothing of a request", async () => {
    await using server = await openServer({ issuer: "https://id.example", open: false });
    const plain = await metadataAt(server.url + PATH);
    for (const headers of [
      { host: "evil.example" },
      { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "x-forwarded-prefix": "/evil" },
      { forwarded: "host=evil.example;proto=http" },
      { origin: "https://evil.example" },
    ])
      expect(await metadataAt(server.url + PATH, headers)).toEqual(plain);
    expect(await metadataAt(`${server.url}${PATH}?issuer=https://evil.example`)).toEqual(plain);
  });

  it("names no JWK Set with a shared secret", async () => {
    await using server = await openServer({ secret: SECRET });
    expect(await metadataAt(server.url + PATH)).not.toHaveProperty("jwks_uri");
  });

  it("is served by a fetch handler, whatever its base path", async () => {
    await using opened = await openService({ issuer: "https://app.example/api/auth", open: false });
    const handle = createFetchHandler(opened.service);
    for (const path of [`/api/auth${PATH}`, `${PATH}/api/auth`, PATH]) {
      const response = await handle(new Request(`https://app.example${path}`));
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.json()).toMatchObject({ issuer: "https://app.example/api/auth" });
    }
  });
});
