const CREDENTIALS = "Could not validate credentials";

type Entry = {
  /** HTTP status. */
  status: 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 429 | 499 | 500 | 503;
  /** The `error` of OAuth 2.0 (RFC 6749 §5.2 and §4.1.2.1, RFC 6750 §3.1). */
  oauth: string;
  message: string;
};

/**
 * Every error that a caller can receive. The caller receives `message` and nothing of the cause.
 *
 * Before the signature is verified, the reason is always `invalid_token`: a forger gets no other.
 */
export const catalogue = {
  invalid_token: { status: 401, oauth: "invalid_token", message: CREDENTIALS },
  token_expired: { status: 401, oauth: "invalid_token", message: CREDENTIALS },
  token_revoked: { status: 401, oauth: "invalid_token", message: CREDENTIALS },
  not_yet_valid: { status: 401, oauth: "invalid_token", message: CREDENTIALS },
  wrong_issuer: { status: 401, oauth: "invalid_token", message: CREDENTIALS },
  wrong_audience: { status: 401, oauth: "invalid_token", message: CREDENTIALS },
  insufficient_scope: { status: 403, oauth: "insufficient_scope", message: "The token lacks a required scope" },
  invalid_refresh_token: {
    status: 401,
    oauth: "invalid_grant",
    message: "The refresh token is not valid: sign in again",
  },
  invalid_code: {
    status: 400,
    oauth: "invalid_grant",
    message: "The authorization code is not valid: begin again",
  },
  invalid_client: { status: 401, oauth: "invalid_client", message: "Client credentials are missing or wrong" },
  permission_denied: { status: 403, oauth: "unauthorized_client", message: "This client may not do that" },
  too_many_followers: {
    status: 429,
    oauth: "temporarily_unavailable",
    message: "Too many followers of the feed: close some",
  },
  too_many_attempts: {
    status: 429,
    oauth: "temporarily_unavailable",
    message: "Too many failed attempts: wait before the next",
  },
  rate_limited: { status: 429, oauth: "temporarily_unavailable", message: "Too many calls: wait before the next" },
  unknown_client: { status: 404, oauth: "invalid_request", message: "There is no such client" },
  unknown_resource: { status: 404, oauth: "invalid_request", message: "There is no such resource" },
  resource_exists: { status: 409, oauth: "invalid_request", message: "There is a resource with this audience already" },
  unknown_sign_in: { status: 404, oauth: "invalid_request", message: "There is no such sign-in: it has ended" },
  invalid_target: { status: 400, oauth: "invalid_target", message: "No token can be issued for this resource" },
  unknown_key: { status: 404, oauth: "invalid_request", message: "There is no such key" },
  too_many_secrets: {
    status: 409,
    oauth: "invalid_request",
    message: "Too many secrets of this client are still valid",
  },
  conflict: {
    status: 409,
    oauth: "temporarily_unavailable",
    message: "Modified concurrently: read the current value and retry",
  },
  kek_changed: {
    status: 412,
    oauth: "server_error",
    message: "The signing keys were re-encrypted: restart this server with the current MINTMARK_KEK",
  },
  no_key_pairs: {
    status: 400,
    oauth: "invalid_request",
    message: "The service signs with a shared secret and has no key pairs",
  },
  forbidden_origin: {
    status: 403,
    oauth: "access_denied",
    message: "This origin or host name is not allowed: see MINTMARK_ORIGINS",
  },
  invalid_request: { status: 400, oauth: "invalid_request", message: "Invalid input" },
  unsupported_grant_type: {
    status: 400,
    oauth: "unsupported_grant_type",
    message: "This grant type is not supported",
  },
  authorization_pending: {
    status: 400,
    oauth: "authorization_pending",
    message: "The person has not decided yet: ask again",
  },
  slow_down: { status: 400, oauth: "slow_down", message: "Asked too soon: wait 5 s longer from now on" },
  access_denied: { status: 400, oauth: "access_denied", message: "The person did not agree" },
  expired_device_code: { status: 400, oauth: "expired_token", message: "The device code has expired: begin again" },
  malformed_request: { status: 400, oauth: "invalid_request", message: "The request is not well-formed" },
  batch_too_large: { status: 400, oauth: "invalid_request", message: "Too many calls in one batch" },
  not_found: { status: 404, oauth: "invalid_request", message: "No such procedure" },
  method_not_supported: { status: 405, oauth: "invalid_request", message: "Method not allowed here" },
  unsupported_media_type: {
    status: 415,
    oauth: "invalid_request",
    message: "Send a JSON body with Content-Type: application/json, not compressed",
  },
  payload_too_large: { status: 413, oauth: "invalid_request", message: "The request body is too large" },
  client_closed_request: { status: 499, oauth: "temporarily_unavailable", message: "The client closed the connection" },
  verifier_stale: { status: 503, oauth: "temporarily_unavailable", message: "Revocation data is stale: retry shortly" },
  unavailable: { status: 503, oauth: "temporarily_unavailable", message: "Not ready: retry shortly" },
  internal_error: { status: 500, oauth: "server_error", message: "Internal server error" },
} as const satisfies Record<string, Entry>;

/** Why a token is refused, or cannot be verified now. */
export const verificationReasons = [
  "invalid_token",
  "token_expired",
  "token_revoked",
  "not_yet_valid",
  "wrong_issuer",
  "wrong_audience",
  "insufficient_scope",
  "verifier_stale",
  "unavailable",
] as const satisfies readonly Reason[];

/** Why a request failed: `data.reason` on the wire. */
export type Reason = keyof typeof catalogue;

/** An error of one input field. Never contains the value, which may be a secret. */
export type Issue = { path: string; message: string };

/** An error of the catalogue. Contains no token, no secret and no input value. */
export class MintmarkError extends Error {
  override readonly name = "MintmarkError";
  readonly reason: Reason;
  readonly issues: readonly Issue[];

  /** Seconds after which to retry. */
  readonly retryAfter: number | undefined;

  constructor(reason: Reason, options: { issues?: readonly Issue[]; retryAfter?: number; cause?: unknown } = {}) {
    super(catalogue[reason].message, { cause: options.cause });
    this.reason = reason;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter;
  }
}

/** Why the process cannot start. The message is one line that says how to fix it. */
export class StartError extends Error {
  override readonly name = "StartError";
}
