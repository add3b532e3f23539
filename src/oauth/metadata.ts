import type { TokenService } from "../service/service.ts";

/** Where RFC 8414 §3 has the metadata. */
export const METADATA_PATH = "/.well-known/oauth-authorization-server";

/**
 * The metadata of the authorization server (RFC 8414 §2). It names only what works, and contains nothing of a request: a
 * forged `Host` could send clients and their secrets elsewhere.
 */
export function authorizationServerMetadata({ issuer, jwks }: Pick<TokenService, "issuer" | "jwks">): object {
  const base = issuer.replace(/\/+$/, "");
  const hasKeyPairs = jwks().keys.length > 0;
  return {
    issuer,
    ...(hasKeyPairs && { jwks_uri: `${base}/.well-known/jwks.json` }),
    // Required, and empty without an authorization endpoint.
    response_types_supported: [],
  };
}
