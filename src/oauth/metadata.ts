import { OPENID_SCOPES, PROFILE_CLAIMS } from "../service/authorization/openid.ts";
import { SUPPORTED_PROMPTS } from "../service/authorization/parameters.ts";
import type { TokenService } from "../service/service.ts";
import { authMethods } from "../store/client.ts";
import { ASSERTION_ALGORITHMS } from "../token/client-assertion.ts";
import { baseOf } from "../token/http-url.ts";
import { PATHS } from "./paths.ts";
import { GRANT_TYPES, GRANT_TYPES_OF_PEOPLE } from "./token-endpoint.ts";

/** Where RFC 8414 §3 has the metadata, and where OpenID Connect Discovery §4 has that of an OpenID provider. */
export const METADATA_PATH = "/.well-known/oauth-authorization-server";
export const OPENID_METADATA_PATH = "/.well-known/openid-configuration";

/** How a client proves who it is. A public client proves nothing, and so does not introspect. */
const PROVING_METHODS = authMethods.filter((method) => method !== "none");

export type Metadata = { issuer: string; grant_types_supported: readonly string[]; [member: string]: unknown };

type Described = Pick<TokenService, "issuer" | "jwks" | "registration">;

/**
 * The metadata of the authorization server (RFC 8414 §2). It names only what works, and contains nothing of a request: a
 * forged `Host` could send clients and their secrets elsewhere. `signsIn`: whether people can sign in.
 */
export function authorizationServerMetadata(service: Described, { signsIn }: { signsIn: boolean }): Metadata {
  const { issuer } = service;
  const base = baseOf(issuer);
  const algorithms = algorithmsOf(service);
  return {
    issuer,
    ...(signsIn && authorizationMetadata(base)),
    ...(signsIn && service.registration !== undefined && { registration_endpoint: base + PATHS.register }),
    token_endpoint: base + PATHS.token,
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: signsIn ? [...GRANT_TYPES, ...GRANT_TYPES_OF_PEOPLE] : GRANT_TYPES,
    // Required, and empty without an authorization endpoint.
    response_types_supported: signsIn ? ["code"] : [],
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

/** RFC 8414 §2, RFC 7636, RFC 8628 §4, RFC 9207, Client ID Metadata Documents §6. */
function authorizationMetadata(base: string): object {
  return {
    authorization_endpoint: base + PATHS.authorize,
    device_authorization_endpoint: base + PATHS.deviceAuthorization,
    response_modes_supported: ["query", "form_post"],
    scopes_supported: OPENID_SCOPES,
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
    prompt_values_supported: SUPPORTED_PROMPTS,
    client_id_metadata_document_supported: true,
    // The default of the second is true (OpenID Connect Discovery §3).
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}

/** Claims of every `id_token`, beside those of the person's profile. */
const ID_TOKEN_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"];

/** The metadata of the OpenID provider (OpenID Connect Discovery §3): that of the authorization server, and more. */
export function openidMetadata(service: Described): Metadata {
  const base = baseOf(service.issuer);
  return {
    ...authorizationServerMetadata(service, { signsIn: true }),
    userinfo_endpoint: base + PATHS.userinfo,
    // OIDC RP-Initiated Logout §2.1, Back-Channel Logout §2.1.
    end_session_endpoint: base + PATHS.logout,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: algorithmsOf(service),
    claims_supported: [...ID_TOKEN_CLAIMS, ...PROFILE_CLAIMS],
    claims_parameter_supported: false,
  };
}

function algorithmsOf({ jwks }: Pick<Described, "jwks">): string[] {
  return [...new Set(jwks().keys.map(({ alg }) => alg))];
}
