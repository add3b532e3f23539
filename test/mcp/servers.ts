/** MCP servers of the SDK 2.x and 1.x behind the verifier: each tool greets the person of the token. */

import { getRequestListener } from "@hono/node-server";
import { getOAuthProtectedResourceMetadataUrl, requireBearerAuth } from "@modelcontextprotocol/express";
import { createMcpHonoApp } from "@modelcontextprotocol/hono";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth as oldRequireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { McpServer as OldMcpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createMcpHandler, McpServer, OAuthError, requireScopes } from "@modelcontextprotocol/server";
import express, { type RequestHandler } from "express";
import type { Claims } from "../../src/token/claims.ts";
import { createFetchAuth } from "../../src/verifier/middleware/fetch.ts";
import { bearerAuth as honoAuth } from "../../src/verifier/middleware/hono.ts";
import { type McpVerifier, mcpVerifier, oauthTokenVerifier } from "../../src/verifier/middleware/mcp.ts";
import { bearerAuth } from "../../src/verifier/middleware/node.ts";
import type { Programs } from "../support/mcp-programs.ts";

const READ = "tools:read";
const WRITE = "tools:write";

type Greeter = McpVerifier<Claims>;

/** A server of 2.x. A challenge names all scopes that a tool needs: a client of 1.x requests those alone. */
function createServer(mcp: Greeter): McpServer {
  const server = new McpServer({ name: "greeter", version: "1.0.0" });
  server.registerTool("greet", {}, (ctx) => {
    const { sub } = mcp.claimsOf(ctx.http?.authInfo);
    return { content: [{ type: "text", text: `Hello, ${sub}` }] };
  });
  server.registerTool("erase", { scopeChallenge: requireScopes(READ, WRITE) }, () => ({
    content: [{ type: "text", text: "Erased" }],
  }));
  return server;
}

/** The same of 1.x, which knows no scopes of tools. */
function createOldServer(mcp: Greeter): OldMcpServer {
  const server = new OldMcpServer({ name: "greeter", version: "1.0.0" });
  server.registerTool("greet", {}, ({ authInfo }) => {
    const { sub } = mcp.claimsOf(authInfo);
    return { content: [{ type: "text", text: `Hello, ${sub}` }] };
  });
  server.registerTool("erase", {}, () => ({ content: [{ type: "text", text: "Erased" }] }));
  return server;
}

/** Serves 1.x without sessions, as its documents do. */
const serveOld =
  (mcp: Greeter): RequestHandler =>
  async (request, response) => {
    const server = createOldServer(mcp);
    const transport = new StreamableHTTPServerTransport({});
    response.on("close", () => void transport.close());
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    await transport.handleRequest(request, response, request.body);
  };

/** Requires the scope of the tool that a request calls. */
const byTool =
  (auth: ReturnType<typeof bearerAuth>): RequestHandler =>
  (request, response, next) =>
    (request.body?.params?.name === "erase" ? auth.requireScope(WRITE) : auth)(request, response, next);

/** The servers, by name, each with what it answers while the verifier is stale. */
export const servers: Programs["servers"] = {
  "2.x in Express": {
    stale: 503,
    open({ verifier, protectedResource }) {
      const mcp = mcpVerifier(verifier);
      const auth = bearerAuth(mcp, { protectedResource, scope: READ });
      const app = express();
      app.all(auth.resourceMetadataPath, auth.resourceMetadata);
      app.all("/mcp", auth, toNodeHandler(createMcpHandler(() => createServer(mcp))));
      return app;
    },
  },
  "2.x in Hono": {
    stale: 503,
    open({ verifier, protectedResource }) {
      const mcp = mcpVerifier(verifier);
      const auth = honoAuth(mcp, { protectedResource, scope: READ });
      const handler = createMcpHandler(() => createServer(mcp));
      const app = createMcpHonoApp();
      app.all(auth.resourceMetadataPath, auth.resourceMetadata);
      app.all("/mcp", auth, (c) => handler.fetch(c.req.raw, { authInfo: auth.claimsOf(c) }));
      return getRequestListener(app.fetch, { overrideGlobalObjects: false });
    },
  },
  "2.x by fetch": {
    stale: 503,
    open({ verifier, protectedResource }) {
      const mcp = mcpVerifier(verifier);
      const auth = createFetchAuth(mcp, { protectedResource, scope: READ });
      const handler = createMcpHandler(() => createServer(mcp));
      async function answer(request: Request): Promise<Response> {
        if (new URL(request.url).pathname === auth.resourceMetadataPath) return auth.resourceMetadata(request);
        const authInfo = await auth(request);
        return authInfo instanceof Response ? authInfo : handler.fetch(request, { authInfo });
      }
      return getRequestListener(answer, { overrideGlobalObjects: false });
    },
  },
  "2.x behind the SDK's requireBearerAuth": {
    stale: 500,
    open({ verifier, protectedResource }) {
      const mcp = mcpVerifier(verifier);
      const resource = new URL(protectedResource.resource);
      const sdkAuth = requireBearerAuth({
        verifier: oauthTokenVerifier(verifier, { OAuthError }),
        requiredScopes: [READ],
        resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
        expectedResource: resource,
      });
      const published = bearerAuth(verifier, { protectedResource });
      const app = express();
      app.all(published.resourceMetadataPath, published.resourceMetadata);
      app.all("/mcp", sdkAuth, toNodeHandler(createMcpHandler(() => createServer(mcp))));
      return app;
    },
  },
  "1.x in Express": {
    stale: 503,
    open({ verifier, protectedResource }) {
      const mcp = mcpVerifier(verifier);
      const auth = bearerAuth(mcp, { protectedResource, scope: READ });
      const app = express();
      app.all(auth.resourceMetadataPath, auth.resourceMetadata);
      app.post("/mcp", auth, express.json(), byTool(auth), serveOld(mcp));
      return app;
    },
  },
  "1.x behind the SDK's requireBearerAuth": {
    stale: 500,
    open({ verifier, protectedResource }) {
      const resource = new URL(protectedResource.resource);
      const requiring = (...requiredScopes: string[]) =>
        oldRequireBearerAuth({
          verifier: oauthTokenVerifier(verifier, { InvalidTokenError }),
          requiredScopes,
          resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
          expectedResource: resource,
        });
      const [reader, writer] = [requiring(READ), requiring(READ, WRITE)];
      const published = bearerAuth(verifier, { protectedResource });
      const app = express();
      app.all(published.resourceMetadataPath, published.resourceMetadata);
      app.post("/mcp", express.json(), (request, response, next) =>
        (request.body?.params?.name === "erase" ? writer : reader)(request, response, next),
      );
      app.post("/mcp", serveOld(mcpVerifier(verifier)));
      return app;
    },
  },
};
