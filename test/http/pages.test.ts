import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readApi } from "../support/openapi.ts";
import { call, send } from "../support/request.ts";
import { ISSUER, openServer } from "../support/service.ts";

const DOCUMENTS = [
  "/",
  "/healthz",
  "/readyz",
  "/.well-known/jwks.json",
  "/.well-known/oauth-authorization-server",
  "/openapi.json",
  "/docs",
  "/docs/swagger-ui.css",
  "/docs/start.js",
  "/docs/docs.css",
  "/start.css",
  "/start.js",
  "/sign-in.css",
  "/form-post.js",
];

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("the JWK Set", () => {
  it("publishes public members only, with kid, alg and use, and a max-age", async () => {
    const { headers, text } = await send(`${server.url}/.well-known/jwks.json`);
    expect(headers).toMatchObject({
      "content-type": "application/jwk-set+json",
      "cache-control": "public, max-age=600",
    });
    const [jwk, ...rest] = JSON.parse(text).keys;
    expect(rest).toEqual([]);
    expect(Object.keys(jwk).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(jwk).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
  });

  it("is empty with a shared secret, and nothing but HS256 is accepted", async () => {
    await using shared = await openServer({ secret: "correct horse battery staple, twice over" });
    expect(JSON.parse((await send(`${shared.url}/.well-known/jwks.json`)).text)).toEqual({ keys: [] });
  });
});

describe("every document", () => {
  it.each(DOCUMENTS)("%s answers HEAD like GET, without the body", async (path) => {
    const get = await send(`${server.url}${path}`);
    const head = await send(`${server.url}${path}`, { method: "HEAD" });
    expect(get.status).toBe(200);
    const { date, ...headers } = get.headers;
    expect(head).toEqual({ status: 200, text: "", headers: { ...headers, date: head.headers.date } });
    expect(Buffer.byteLength(get.text)).toBe(Number(headers["content-length"]));
  });

  it.each(DOCUMENTS)("%s is not sent again to who has it", async (path) => {
    const { headers } = await send(`${server.url}${path}`);
    const etag = String(headers.etag);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      expect(await send(`${server.url}${path}`, { headers: { "if-none-match": known } })).toMatchObject({
        status: 304,
        text: "",
      });
    }
    expect(await send(`${server.url}${path}`, { headers: { "if-none-match": '"other"' } })).toMatchObject({
      status: 200,
    });
  });

  it.each(DOCUMENTS)("%s refuses other methods with 405 and says what is allowed", async (path) => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      expect(await send(`${server.url}${path}`, { method })).toMatchObject({
        status: 405,
        headers: { allow: "GET, HEAD, OPTIONS" },
      });
    }
    expect(await send(`${server.url}${path}`, { method: "OPTIONS" })).toMatchObject({
      status: 204,
      headers: { allow: "GET, HEAD, OPTIONS" },
    });
  });

  it("is at its own path and nowhere else", async () => {
    const others = [
      "/favicon.ico",
      "/docs/package.json",
      "/docs/../package.json",
      "/docs/swagger-ui-bundle.js.map",
      "/.env",
      "/%2e%2e/package.json",
      "/HEALTHZ",
    ];
    for (const path of others) expect(await send(`${server.url}${path}`), path).toMatchObject({ status: 404 });
  });
});

describe("the API description", () => {
  it("describes the endpoints with their schemas, examples and errors", async () => {
    const { paths } = await readApi<{ paths: Record<string, { post: { responses?: object } }> }>(server.url);
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(["/getToken", "/verifyToken", "/keys.list", "/clients.create"]),
    );
    const expiresIn = { minimum: 1, maximum: 86400 };
    expect(paths["/getToken"]?.post).toMatchObject({ requestBody: withSchema({ properties: { expiresIn } }) });
    const { post: verifyToken } = paths["/verifyToken"] ?? expect.fail("/verifyToken is not described");
    const error = { message: "Could not validate credentials", data: { reason: "token_expired" } };
    expect(verifyToken).toMatchObject({
      requestBody: withSchema({ required: ["token"], additionalProperties: false }),
      responses: { 401: { content: { "application/json": { examples: { token_expired: { value: { error } } } } } } },
    });
    const statuses = ["200", "400", "401", "403", "413", "415", "429", "500", "503"];
    expect(Object.keys(verifyToken.responses ?? {})).toEqual(statuses);
  });

  it("gives an example of getToken that the service accepts", async () => {
    const { paths } = JSON.parse((await send(`${server.url}/openapi.json`)).text);
    const { example } = paths["/getToken"].post.requestBody.content["application/json"];
    expect(await call(server.url, "getToken", example)).toMatchObject({ status: 200 });
  });
});

describe("a page", () => {
  it.each(["/", "/docs"])("%s may load nothing from other origins, and not be framed", async (path) => {
    const { headers } = await send(`${server.url}${path}`);
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  it("names the issuer", async () => {
    expect((await send(`${server.url}/`)).text).toContain(ISSUER);
  });
});

function withSchema(schema: object): object {
  return { content: { "application/json": { schema } } };
}
