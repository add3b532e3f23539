import express from "express";
import { describe, expect, expectTypeOf, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { createFetchAuth } from "../../src/verifier/middleware/fetch.ts";
import { type McpAuthInfo, mcpVerifier, oauthTokenVerifier } from "../../src/verifier/middleware/mcp.ts";
import { bearerAuth } from "../../src/verifier/middleware/node.ts";
import { ISSUER, NOW } from "../support/service.ts";
import { greet, listen, openVerifier, testFramework, type VerifiedClaims } from "./middleware-cases.ts";

testFramework({
  name: "an MCP server in Express",
  open(verifier) {
    const mcp = mcpVerifier(verifier);
    const auth = bearerAuth(mcp);
    const app = express();
    const tool = (request: express.Request, response: express.Response) => {
      expectTypeOf(auth.claimsOf(request)).toEqualTypeOf<McpAuthInfo<VerifiedClaims>>();
      response.json(greet(mcp.claimsOf(auth.claimsOf(request))));
    };
    app.get("/me", auth, tool);
    app.get("/orders", auth.requireScope("orders:write"), tool);
    return listen(app);
  },
});

const resource = "https://mcp.example/mcp";
const protectedResource = { resource, authorizationServers: [ISSUER] };

describe("mcpVerifier", () => {
  async function infoOf(changes: Record<string, unknown>, audience?: string): Promise<McpAuthInfo<VerifiedClaims>> {
    const { verifier, sign } = await openVerifier();
    const auth = createFetchAuth(mcpVerifier(verifier), { protectedResource, audience });
    const headers = { authorization: `Bearer ${sign({ aud: resource, ...changes })}` };
    const info = await auth(new Request(resource, { headers }));
    if (info instanceof Response) throw new Error(await info.text());
    return info;
  }

  it("returns what a transport of the SDK reads", async () => {
    const info = await infoOf({});
    expect(info).toEqual({
      token: expect.stringMatching(/^eyJ/),
      clientId: info.extra.client_id,
      scopes: ["orders:read", "orders:write"],
      expiresAt: info.extra.exp,
      resource: new URL(resource),
      extra: expect.objectContaining({ sub: "ada", role: "writer" }),
    });
  });

  it.each<{ what: string; aud: unknown; audience?: string; named: string | undefined }>([
    { what: "the one that was expected", aud: ["https://a.example", resource], named: resource },
    { what: "the only one", aud: [resource], named: resource },
    { what: "none that is no URL", aud: "orders", audience: "orders", named: undefined },
  ])("names as the resource $what", async ({ aud, audience, named }) => {
    expect((await infoOf({ aud }, audience)).resource?.href).toBe(named);
  });

  it("has no scopes for a token without one", async () => {
    expect((await infoOf({ scope: undefined })).scopes).toEqual([]);
  });

  it("throws for the claims of a tool that is not protected", async () => {
    const { verifier } = await openVerifier();
    expect(() => mcpVerifier(verifier).claimsOf(undefined)).toThrow(MintmarkError);
  });
});

describe("oauthTokenVerifier", () => {
  class OAuthError extends Error {
    readonly code: string;
    constructor(code: string, message: string) {
      super(message);
      this.code = code;
    }
  }
  class InvalidTokenError extends Error {}

  it.each([{ aud: resource }, { iat: NOW - 900, exp: NOW }])("throws the error of the SDK for %o", async (changes) => {
    const { verifier, sign } = await openVerifier();
    const message = "Could not validate credentials";
    const current = oauthTokenVerifier(verifier, { OAuthError }).verifyAccessToken(sign(changes));
    await expect(current).rejects.toBeInstanceOf(OAuthError);
    await expect(current).rejects.toMatchObject({ code: "invalid_token", message });
    const older = oauthTokenVerifier(verifier, { InvalidTokenError }).verifyAccessToken(sign(changes));
    await expect(older).rejects.toBeInstanceOf(InvalidTokenError);
    await expect(older).rejects.toMatchObject({ message });
  });

  it("throws its own error while the verifier is stale", async () => {
    const { verifier, source, sign } = await openVerifier();
    source.isStale = () => true;
    const answer = oauthTokenVerifier(verifier, { OAuthError }).verifyAccessToken(sign());
    await expect(answer).rejects.toMatchObject({ reason: "verifier_stale" });
  });

  it("returns the AuthInfo of a good token", async () => {
    const { verifier, sign } = await openVerifier();
    const info = await oauthTokenVerifier(verifier, { OAuthError }).verifyAccessToken(sign());
    expect(info).toMatchObject({ extra: { sub: "ada" }, resource: new URL(ISSUER) });
  });
});
