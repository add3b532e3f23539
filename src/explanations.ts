import type { Reason } from "./errors.ts";

/**
 * What each reason means and what to do, for pages and `docs/errors.md`, in its order. Apart from the catalogue: a verifier
 * needs none of it.
 */
export const explanations: Readonly<Record<Reason, { meaning: string; remedy: string }>> = {
  invalid_token: {
    meaning:
      "The string is not a token that this issuer signed. Every fault before the signature has this reason, so it reveals nothing to a forger.",
    remedy: "Get a new token. Check that the verifier has the right issuer.",
  },
  token_expired: {
    meaning: "The signature is valid and `exp` has passed.",
    remedy: "Refresh the token, or get a new one.",
  },
  token_revoked: {
    meaning: "The token, its grant, its subject, its client or its key was revoked.",
    remedy: "Sign in again.",
  },
  not_yet_valid: {
    meaning: "`nbf` or `iat` is in the future.",
    remedy: "Synchronize the clocks of the issuer and the verifier.",
  },
  wrong_issuer: {
    meaning: "`iss` is not the issuer that the verifier expects.",
    remedy: "Compare `issuer` of the verifier with `MINTMARK_ISSUER`, character by character.",
  },
  wrong_audience: {
    meaning: "`aud` lacks the expected audience.",
    remedy: "Request the token with the `audience` of this service.",
  },
  insufficient_scope: {
    meaning: "The token is valid and lacks a required scope.",
    remedy: "Request a token with that `scope`.",
  },
  invalid_refresh_token: {
    meaning: "The refresh token is unknown, expired, used too long ago, or its grant was revoked.",
    remedy: "Sign in again.",
  },
  invalid_code: {
    meaning:
      "The authorization code is unknown, expired, used, of another client, or its code verifier or redirect URI is wrong.",
    remedy: "Begin again at the authorization endpoint. A code is valid for a minute, and once.",
  },
  invalid_client: {
    meaning: "The client credentials are missing or wrong.",
    remedy: "Check the id and the secret. `mintmark clients rotate-secret` creates a new secret.",
  },
  permission_denied: {
    meaning: "The client lacks the permission, or the request exceeds its scopes, audiences, subject or lifetime.",
    remedy: "Give the client what it needs: `mintmark clients update`.",
  },
  unknown_client: {
    meaning: "No client has this id.",
    remedy: "List the clients: `mintmark clients list`.",
  },
  too_many_secrets: {
    meaning: "The client has four secrets that are still valid.",
    remedy: "Wait until one has expired, or rotate with `--overlap 0`.",
  },
  invalid_target: {
    meaning:
      "A `resource` is no registered resource, nor another audience of the client; in a refresh, no audience of the grant.",
    remedy: "Compare it with `mintmark resources list`, character by character.",
  },
  unknown_resource: {
    meaning: "No resource has this audience.",
    remedy: "List the resources: `mintmark resources list`.",
  },
  resource_exists: {
    meaning: "A resource has this audience already.",
    remedy: "Remove it first, to change it: `mintmark resources remove`.",
  },
  unknown_sign_in: {
    meaning: "No sign-in has this handle: it was completed, or took longer than ten minutes.",
    remedy: "Send the person back to the application that they came from.",
  },
  unknown_key: {
    meaning: "No key has this `kid`.",
    remedy: "List the keys: `mintmark keys list`.",
  },
  conflict: {
    meaning: "Another caller changed the same record at the same time.",
    remedy: "Read the current value and repeat the call.",
  },
  kek_changed: {
    meaning: "The private keys were encrypted with another `MINTMARK_KEK`.",
    remedy: "Restart this server with the current value.",
  },
  no_key_pairs: {
    meaning: "The service signs with a shared secret, so there are no keys to manage.",
    remedy: "Unset `MINTMARK_SECRET` to use key pairs.",
  },
  too_many_attempts: {
    meaning: "Too many failed authentications of this client or from this address.",
    remedy: "Wait for `Retry-After` seconds. Check the secret.",
  },
  rate_limited: {
    meaning: "Too many calls of this client or from this address in this minute.",
    remedy: "Wait for `Retry-After` seconds. See limits.",
  },
  too_many_followers: {
    meaning: "Too many connections follow the feed of events.",
    remedy: "Close unused verifiers. One verifier per process is enough.",
  },
  batch_too_large: {
    meaning: "A batch has more than 50 calls.",
    remedy: "Send smaller batches.",
  },
  payload_too_large: {
    meaning: "The body has more than 64 KiB.",
    remedy: "Send less: a token has at most 8,000 characters.",
  },
  invalid_request: {
    meaning: "A field of the input is wrong, unknown or missing.",
    remedy: "Read `data.issues`.",
  },
  unsupported_grant_type: {
    meaning: "The token endpoint does not serve this `grant_type`.",
    remedy: "Use one that `/.well-known/oauth-authorization-server` names.",
  },
  authorization_pending: {
    meaning: "The person has not yet entered the user code of the device, or has not decided.",
    remedy: "Ask again after `interval` seconds (RFC 8628 §3.5).",
  },
  slow_down: {
    meaning: "The device asked again before its interval had passed.",
    remedy: "Wait 5 s longer between two requests from now on.",
  },
  access_denied: {
    meaning: "The person denied the device access, or may not grant what it asks for.",
    remedy: "Begin a new device authorization only if the person wants to.",
  },
  expired_device_code: {
    meaning: "The person did not decide within the ten minutes of a device code.",
    remedy: "Begin a new device authorization.",
  },
  malformed_request: {
    meaning: "The request is not well-formed: JSON, encoding, `Authorization` or the target.",
    remedy: "Send UTF-8 JSON, each field once.",
  },
  not_found: {
    meaning: "No procedure has this name.",
    remedy: "Compare the path with the procedures.",
  },
  method_not_supported: {
    meaning: "The procedure does not take this HTTP method.",
    remedy: "Call it by POST.",
  },
  unsupported_media_type: {
    meaning: "The body is not JSON, or is compressed.",
    remedy: "Send `Content-Type: application/json`.",
  },
  forbidden_origin: {
    meaning: "The request came from a page of another origin, or by another host name.",
    remedy: "Name the origin in `MINTMARK_ORIGINS`: see browser apps.",
  },
  client_closed_request: {
    meaning: "The client closed the connection before the answer.",
    remedy: "Nothing. Only logs and traces show it.",
  },
  verifier_stale: {
    meaning: "The revocation data is older than `maxStaleness`, so the token can be neither accepted nor refused.",
    remedy: "Retry after a second. If it lasts, read `verifier.failure`, or `/readyz` of the server.",
  },
  unavailable: {
    meaning: "The database is away, or the server is not ready. Nothing was changed.",
    remedy: "Retry after a second. Read `/readyz`.",
  },
  internal_error: {
    meaning:
      "A fault of the service, or of a claims schema that threw; in a verifier, a platform that does not support the algorithm.",
    remedy: "Find the answer's `x-request-id` in the log. In a verifier, read `failure`.",
  },
};
