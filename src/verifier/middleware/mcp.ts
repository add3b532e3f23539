import { catalogue, MintmarkError } from "../../errors.ts";
import type { Audience, RegisteredClaims } from "../../token/claims.ts";
import { claimsOf, type TokenVerifier } from "./bearer.ts";

/** What the MCP SDK passes to a tool: `ctx.http.authInfo` in 2.x, `extra.authInfo` in 1.x. It contains the token. */
export type McpAuthInfo<Claims> = {
  token: string;
  clientId: string;
  scopes: string[];
  /** NumericDate of the expiry. */
  expiresAt: number;
  /** The member of `aud` that was expected, where it is a URL. */
  resource?: URL;
  /** The frozen claims. */
  extra: Claims;
};

/** A verifier whose result is the `AuthInfo` of the MCP SDK. */
export type McpVerifier<Claims> = TokenVerifier<McpAuthInfo<Claims>> & {
  /** The typed claims of the `AuthInfo` that a tool receives. Throws where the server is not protected. */
  claimsOf(authInfo: { extra?: object } | undefined): Claims;
};

/**
 * Makes middleware of this package set what the MCP SDK reads, in `@modelcontextprotocol/server` 2.x and in
 * `@modelcontextprotocol/sdk` 1.x:
 *
 *     const mcp = mcpVerifier(verifier);
 *     const auth = bearerAuth(mcp, { protectedResource });       // of mintmark/verifier/node
 *     app.all(auth.resourceMetadataPath, auth.resourceMetadata);
 *     app.all("/mcp", auth, toNodeHandler(createMcpHandler(createServer)));
 */
export function mcpVerifier<Claims extends RegisteredClaims>(verifier: TokenVerifier<Claims>): McpVerifier<Claims> {
  return {
    async verify(token, expected) {
      const claims = await verifier.verify(token, expected);
      return authInfoOf(String(token), claims, expected?.audience);
    },
    claimsOf: (authInfo) => claimsOf<Claims>({ auth: authInfo?.extra }),
  };
}

/** The class of errors of the SDK, from your own import of it: its middleware decides by `instanceof`. */
export type SdkError =
  | { OAuthError: new (code: string, message: string) => Error }
  | { InvalidTokenError: new (message: string) => Error };

/**
 * Creates the `OAuthTokenVerifier` that the SDK's own `requireBearerAuth` asks for:
 *
 *     oauthTokenVerifier(verifier, { OAuthError });          // of @modelcontextprotocol/server
 *     oauthTokenVerifier(verifier, { InvalidTokenError });   // of @modelcontextprotocol/sdk/server/auth/errors.js
 *
 * A refused token is answered with 401. The SDK has no 503: it answers 500 while the verifier is stale. The audience is that
 * of the verifier. Scopes are not checked: that is `requiredScopes` of the SDK.
 */
export function oauthTokenVerifier<Claims extends RegisteredClaims>(
  verifier: TokenVerifier<Claims>,
  sdk: SdkError,
): { verifyAccessToken(token: string): Promise<McpAuthInfo<Claims>> } {
  return {
    async verifyAccessToken(token) {
      try {
        return authInfoOf(token, await verifier.verify(token), undefined);
      } catch (error) {
        if (!(error instanceof MintmarkError) || catalogue[error.reason].status !== 401) throw error;
        const { message } = error;
        throw "OAuthError" in sdk ? new sdk.OAuthError("invalid_token", message) : new sdk.InvalidTokenError(message);
      }
    },
  };
}

function authInfoOf<Claims extends RegisteredClaims>(
  token: string,
  claims: Claims,
  expected: Audience | undefined,
): McpAuthInfo<Claims> {
  const { client_id: clientId, exp: expiresAt, scope } = claims;
  const resource = resourceOf(claims, expected);
  const scopes = scope === undefined ? [] : scope.split(" ");
  return { token, clientId, scopes, expiresAt, ...(resource && { resource }), extra: claims };
}

/** A token for several services names no resource, unless one was expected. */
function resourceOf({ aud }: RegisteredClaims, expected: Audience | undefined): URL | undefined {
  const audiences = [aud].flat();
  const wanted = [expected ?? []].flat();
  const name = audiences.find((one) => wanted.includes(one)) ?? (audiences.length === 1 ? audiences[0] : undefined);
  try {
    return name === undefined ? undefined : new URL(name);
  } catch {
    return undefined;
  }
}
