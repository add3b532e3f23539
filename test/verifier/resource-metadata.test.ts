import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import {
  createAuthenticate,
  type ProtectedOptions,
  type ProtectedResource,
} from "../../src/verifier/middleware/bearer.ts";
import { bearerAuth as fastifyAuth } from "../../src/verifier/middleware/fastify.ts";
import { createFetchAuth } from "../../src/verifier/middleware/fetch.ts";
import { bearerAuth as honoAuth } from "../../src/verifier/middleware/hono.ts";
import { bearerAuth } from "../../src/verifier/middleware/node.ts";
import { resourceMetadataUrl } from "../../src/verifier/middleware/resource-metadata.ts";
import { bearerHeaders, trpcAuth } from "../../src/verifier/middleware/trpc.ts";
import { listen, openVerifier, respond, type Verifier } from "./middleware-cases.ts";

const protectedResource: ProtectedResource = {
  resource: "https://api.example/orders",
  authorizationServers: ["https://id.example"],
  scopes: ["orders:read", "orders:write"],
  name: "Orders",
};
const METADATA = "/.well-known/oauth-protected-resource/orders";
const DISCOVERY = `resource_metadata="https://api.example${METADATA}"`;
const options: ProtectedOptions = { protectedResource, scope: "orders:read" };

/** Answers `/me` to tokens with `orders:read`, and `/write` to those with `orders:write` too. */
type Face = (request: Request) => Promise<Response>;
type Opened = { face: Face; close?: () => Promise<void> };

async function listening(...[listener]: Parameters<typeof listen>): Promise<Opened> {
  const { url, close } = await listen(listener);
  const face: Face = ({ url: asked, method, headers }) =>
    fetch(new Request(`${url}${new URL(asked).pathname}`, { method, headers }));
  return { face, close };
}

const faces: Record<string, (verifier: Verifier) => Opened | Promise<Opened>> = {
  "node:http"(verifier) {
    const auth = bearerAuth(verifier, options);
    return listening((request, response) => {
      if (request.url === auth.resourceMetadataPath) return auth.resourceMetadata(request, response);
      const route = request.url === "/write" ? auth.requireScope("orders:write") : auth;
      return route(request, response, () => respond(response, {}));
    });
  },
  Express(verifier) {
    const auth = bearerAuth(verifier, options);
    const app = express();
    app.all(auth.resourceMetadataPath, auth.resourceMetadata);
    app.get("/me", auth, (_, response) => response.json({}));
    app.get("/write", auth.requireScope("orders:write"), (_, response) => response.json({}));
    return listening(app);
  },
  Fastify(verifier) {
    const auth = fastifyAuth(verifier, options);
    const app = fastify();
    app.all(auth.resourceMetadataPath, auth.resourceMetadata);
    app.get("/me", { onRequest: auth }, async () => ({}));
    app.get("/write", { onRequest: auth.requireScope("orders:write") }, async () => ({}));
    async function face({ url, method, headers }: Request): Promise<Response> {
      const path = new URL(url).pathname;
      const answer = await app.inject({ path, method: method as "GET", headers: Object.fromEntries(headers) });
      return new Response(answer.body === "" ? null : answer.body, {
        status: answer.statusCode,
        headers: Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
      });
    }
    return { face, close: () => app.close() };
  },
  Hono(verifier) {
    const auth = honoAuth(verifier, options);
    const app = new Hono();
    app.all(auth.resourceMetadataPath, auth.resourceMetadata);
    app.get("/me", auth, (c) => c.json({}));
    app.get("/write", auth.requireScope("orders:write"), (c) => c.json({}));
    return { face: async (request) => app.fetch(request) };
  },
  fetch(verifier) {
    const auth = createFetchAuth(verifier, options);
    const write = createFetchAuth(verifier, { ...options, scope: "orders:read orders:write" });
    async function face(request: Request): Promise<Response> {
      const path = new URL(request.url).pathname;
      if (path === auth.resourceMetadataPath) return auth.resourceMetadata(request);
      const claims = await (path === "/write" ? write : auth)(request);
      return claims instanceof Response ? claims : Response.json({});
    }
    return { face };
  },
  // Routes are its host's, which serves the document.
  tRPC(verifier) {
    const t = initTRPC.context<{ headers: Headers }>().create();
    const auth = trpcAuth(verifier, options);
    const router = t.router({
      me: t.procedure.concat(auth.procedure).query(() => ({})),
      write: t.procedure.concat(auth.requireScope("orders:write")).query(() => ({})),
    });
    const host = createFetchAuth(verifier, options);
    async function face(req: Request): Promise<Response> {
      if (new URL(req.url).pathname === host.resourceMetadataPath) return host.resourceMetadata(req);
      const createContext = () => ({ headers: req.headers });
      const responseMeta = ({ errors }: { errors: Parameters<typeof bearerHeaders>[0] }) => ({
        headers: bearerHeaders(errors),
      });
      return fetchRequestHandler({ req, router, endpoint: "", createContext, responseMeta });
    }
    return { face };
  },
};

describe.each(Object.entries(faces))("a protected resource by %s", (_, open) => {
  async function opened() {
    const { verifier, sign } = await openVerifier();
    const { face, close } = await open(verifier);
    return {
      sign,
      ask: (path: string, init?: RequestInit) => face(new Request(`https://api.example${path}`, init)),
      [Symbol.asyncDispose]: async () => close?.(),
    };
  }

  it("publishes its metadata for pages of any origin", async () => {
    await using service = await opened();
    const answer = await service.ask(METADATA);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toEqual({
      resource: "https://api.example/orders",
      authorization_servers: ["https://id.example"],
      scopes_supported: ["orders:read", "orders:write"],
      bearer_methods_supported: ["header"],
      resource_name: "Orders",
    });
  });

  it.each([
    ["HEAD", 200, { "cache-control": "public, max-age=3600" }],
    ["OPTIONS", 204, { "access-control-allow-headers": "*", "access-control-allow-methods": "GET, HEAD, OPTIONS" }],
    ["POST", 405, { allow: "GET, HEAD, OPTIONS" }],
  ])("answers %s of its metadata with %i", async (method, status, headers) => {
    await using service = await opened();
    const answer = await service.ask(METADATA, { method });
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({ "access-control-allow-origin": "*", ...headers });
  });

  it("says where to get a token, and for which scopes of the route", async () => {
    await using service = await opened();
    async function challengeOf(path: string, claims?: Record<string, unknown>): Promise<unknown[]> {
      const headers = claims && { authorization: `Bearer ${service.sign(claims)}` };
      const answer = await service.ask(path, { headers: headers ?? {} });
      return [answer.status, answer.headers.get("www-authenticate")];
    }
    const aud = protectedResource.resource;
    const INVALID = 'error="invalid_token", error_description="Could not validate credentials"';
    const INSUFFICIENT = 'error="insufficient_scope", error_description="The token lacks a required scope"';
    const READ = `scope="orders:read", ${DISCOVERY}`;
    const WRITE = `scope="orders:read orders:write", ${DISCOVERY}`;
    const reader = { aud, scope: "orders:read" };
    expect(await challengeOf("/me")).toEqual([401, `Bearer realm="mintmark", ${READ}`]);
    expect(await challengeOf("/write")).toEqual([401, `Bearer realm="mintmark", ${WRITE}`]);
    expect(await challengeOf("/me", { aud: "https://api.example" })).toEqual([
      401,
      `Bearer realm="mintmark", ${INVALID}, ${READ}`,
    ]);
    expect(await challengeOf("/me", reader)).toEqual([200, null]);
    expect(await challengeOf("/write", reader)).toEqual([403, `Bearer realm="mintmark", ${INSUFFICIENT}, ${WRITE}`]);
    expect(await challengeOf("/write", { aud })).toEqual([200, null]);
  });
});

describe("the URL of the metadata of a resource", () => {
  it.each([
    ["https://api.example", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/a/mcp", "https://api.example/.well-known/oauth-protected-resource/a/mcp"],
    ["http://127.0.0.1:4000/mcp", "http://127.0.0.1:4000/.well-known/oauth-protected-resource/mcp"],
    ['https://api.example/a"b', "https://api.example/.well-known/oauth-protected-resource/a%22b"],
  ])("of %s is %s (RFC 9728 §3.1)", (resource, expected) => {
    expect(resourceMetadataUrl(resource)).toBe(expected);
  });
});

describe("the option protectedResource", () => {
  const verifier = (asked: unknown[]) => ({
    verify: async (_: unknown, expected?: object) => {
      asked.push(expected);
      return {};
    },
  });
  const request = { headers: { authorization: "Bearer a" } };

  it.each([
    ["https://api.example/mcp", "https://api.example/mcp"],
    ["https://api.example", ["https://api.example", "https://api.example/"]],
    ["https://api.example/", ["https://api.example", "https://api.example/"]],
  ])("makes %s the audience", async (resource, audience) => {
    const asked: unknown[] = [];
    await createAuthenticate(verifier(asked), { protectedResource: { ...protectedResource, resource } })(request);
    expect(asked).toMatchObject([{ audience }]);
  });

  it("leaves the audience that is named", async () => {
    const asked: unknown[] = [];
    await createAuthenticate(verifier(asked), { protectedResource, audience: "orders" })(request);
    expect(asked).toMatchObject([{ audience: "orders" }]);
  });

  it.each<[string, object]>([
    ["protectedResource.resource must be an http or https URL", { resource: "orders" }],
    ["protectedResource.resource must be an http or https URL", { resource: "https://api.example/#a" }],
    ["protectedResource.resource must be in the normal form", { resource: "https://API.example/mcp" }],
    ["protectedResource.resource must be in the normal form", { resource: "https://api.example:443/mcp" }],
    ["protectedResource.authorizationServers must have at least 1 entries", { authorizationServers: [] }],
    ["protectedResource.authorizationServers.0 must be an http", { authorizationServers: ["id.example"] }],
    ["protectedResource.scopes.0 must be one scope token", { scopes: ["orders:read orders:write"] }],
    ["unknown option protectedResource.issuer", { issuer: "https://id.example" }],
  ])("is refused at once: %s", (message, changes) => {
    const given = { protectedResource: { ...protectedResource, ...changes } };
    expect(() => createAuthenticate(verifier([]), given)).toThrow(StartError);
    expect(() => createAuthenticate(verifier([]), given)).toThrow(message);
  });

  it("is what a handler of the metadata needs", () => {
    // @ts-expect-error nothing is published
    expect(bearerAuth(verifier([])).resourceMetadata).toBeUndefined();
  });
});
