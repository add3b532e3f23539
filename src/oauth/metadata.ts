import type { TokenService } from "../service/service.ts";
import { authMethods } from "../store/client.ts";
import { ASSERTION_ALGORITHMS } from "../token/client-assertion.ts";
import { PATHS } from "./endpoints.ts";
import { GRANT_TYPES } from "./token-endpoint.ts";

/** Where RFC 8414 §3 has the metadata. */
export const METADATA_PATH = "/.well-known/oauth-authorization-server";

/** How a client proves who it is. A public client proves nothing, and so does not introspect. */
const PROVING_METHODS = authMethods.filter((method) => method !== "none");

/**
 * The metadata of the authorization server (RFC 8414 §2). It names only what works, and contains nothing of a request: a
 * forged `Host` could send clients and their secrets elsewhere.
 */
export function authorizationServerMetadata({ issuer, jwks }: Pick<TokenService, "issuer" | "jwks">): object {
  const base = issuer.replace(/\/+$/, "");
  const algorithms = [...new Set(jwks().keys.map(({ alg }) => alg))];
  return {
    issuer,
    token_endpoint: base + PATHS.token,
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: GRANT_TYPES,
    // Required, and empty without an authorization endpoint.
    response_types_supported: [],
    introspection_endpoint: base + PATHS.introspect,
    introspection_endpoint_auth_methods_supported: PROVING_METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint: base + PATHS.revoke,
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    // A shared secret is no key that others verify by.
    ...(algorithms.length > 0 && {
      jwks_uri: `${base}/.well-known/jwks.json`,
      introspection_signing_alg_values_supported: algorithms,
    }),
  };
}
