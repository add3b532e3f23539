const CREDENTIALS = "Could not validate credentials";

/**
 * Every way Mintmark says no. `code` is tRPC's and decides the HTTP status; `message` is all a
 * caller ever reads, so nothing that was thrown inside can leak through it.
 *
 * Reasons other than `invalid_token` tell about a token only after its signature proved good, so
 * they are no oracle for a forger (RFC 8725 §3).
 */
export const catalogue = {
  invalid_token: { code: "UNAUTHORIZED", message: CREDENTIALS },
  token_expired: { code: "UNAUTHORIZED", message: CREDENTIALS },
  token_revoked: { code: "UNAUTHORIZED", message: CREDENTIALS },
  not_yet_valid: { code: "UNAUTHORIZED", message: CREDENTIALS },
  wrong_issuer: { code: "UNAUTHORIZED", message: CREDENTIALS },
  wrong_audience: { code: "UNAUTHORIZED", message: CREDENTIALS },
  insufficient_scope: { code: "FORBIDDEN", message: "The token lacks a required scope" },
  invalid_refresh_token: { code: "UNAUTHORIZED", message: "The refresh token is not valid: sign in again" },
  invalid_client: { code: "UNAUTHORIZED", message: "Client credentials are missing or wrong" },
  permission_denied: { code: "FORBIDDEN", message: "This client may not do that" },
  too_many_followers: { code: "TOO_MANY_REQUESTS", message: "Too many followers of the events: close some" },
  too_many_attempts: { code: "TOO_MANY_REQUESTS", message: "Too many failed attempts: wait before the next" },
  rate_limited: { code: "TOO_MANY_REQUESTS", message: "Too many calls: wait before the next" },
  unknown_client: { code: "NOT_FOUND", message: "There is no such client" },
  unknown_key: { code: "NOT_FOUND", message: "There is no such key" },
  too_many_secrets: { code: "CONFLICT", message: "Too many secrets of this client are still valid" },
  conflict: { code: "CONFLICT", message: "Somebody else changed it at the same time: look again" },
  kek_changed: {
    code: "PRECONDITION_FAILED",
    message: "The keys were encrypted anew: start this server again with the MINTMARK_KEK of today",
  },
  no_key_pairs: { code: "BAD_REQUEST", message: "A shared secret is in use, so there are no keys to manage" },
  forbidden_origin: {
    code: "FORBIDDEN",
    message: "Pages of this origin, or requests by this host name, are not served: see MINTMARK_ORIGINS",
  },
  invalid_request: { code: "BAD_REQUEST", message: "Invalid input" },
  malformed_request: { code: "BAD_REQUEST", message: "The request is not well-formed" },
  batch_too_large: { code: "BAD_REQUEST", message: "Too many calls in one batch" },
  not_found: { code: "NOT_FOUND", message: "No such procedure" },
  method_not_supported: { code: "METHOD_NOT_SUPPORTED", message: "Method not allowed here" },
  unsupported_media_type: {
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "Send a JSON body with Content-Type: application/json, not compressed",
  },
  payload_too_large: { code: "PAYLOAD_TOO_LARGE", message: "The request body is too large" },
  client_closed_request: { code: "CLIENT_CLOSED_REQUEST", message: "The client went away" },
  verifier_stale: {
    code: "SERVICE_UNAVAILABLE",
    message: "What was revoked of late is not known: try again in a moment",
  },
  unavailable: { code: "SERVICE_UNAVAILABLE", message: "Not ready: try again in a moment" },
  internal_error: { code: "INTERNAL_SERVER_ERROR", message: "Internal server error" },
} as const satisfies Record<string, { code: string; message: string }>;

/** Why a request was refused; the value of `data.reason` on the wire. */
export type Reason = keyof typeof catalogue;

/** What is wrong with one field of an input. Never carries a value that may be a secret. */
export type Issue = { path: string; message: string };

/** A refusal from the catalogue. Carries no token, no secret and no input value. */
export class MintmarkError extends Error {
  override readonly name = "MintmarkError";
  readonly reason: Reason;
  readonly issues: readonly Issue[];

  /** When to try again, in seconds from now. */
  readonly retryAfter: number | undefined;

  constructor(reason: Reason, options: { issues?: readonly Issue[]; retryAfter?: number; cause?: unknown } = {}) {
    super(catalogue[reason].message, { cause: options.cause });
    this.reason = reason;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter;
  }
}

/** Why the process cannot start. The message is one line that says what to do about it. */
export class StartError extends Error {
  override readonly name = "StartError";
}
