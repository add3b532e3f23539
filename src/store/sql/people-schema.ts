import type { Seconds } from "../../time.ts";

/**
 * The tables for the sign-in of people. Claims, profiles, audiences, targets and persons are JSON text; secrets are SHA-256
 * hashes, base64url.
 */
export type PeopleSchema = {
  sign_ins: {
    sid: string;
    hash: string;
    subject: string;
    claims: string;
    profile: string;
    scope: string | null;
    auth_time: Seconds;
    created_at: Seconds;
    expires_at: Seconds;
  };
  authorization_requests: {
    handle: string;
    browser: string;
    client_id: string;
    target: string;
    audience: string;
    scope: string | null;
    prompt: string;
    max_age: Seconds | null;
    login_hint: string | null;
    started_at: Seconds;
    expires_at: Seconds;
    person: string | null;
  };
  authorization_codes: {
    hash: string;
    client_id: string;
    sid: string;
    subject: string;
    auth_time: Seconds;
    claims: string;
    profile: string;
    audience: string;
    scope: string | null;
    nonce: string | null;
    redirect_uri: string | null;
    challenge: string | null;
    created_at: Seconds;
    expires_at: Seconds;
    /** When it is deleted: `expires_at`; later once it was used, to detect a second use. */
    until: Seconds;
    grant_sid: string | null;
  };
  sign_in_consents: { subject: string; client_id: string; host: string; audience: string; scopes: string; at: Seconds };
  device_requests: {
    hash: string;
    user_code: string;
    client_id: string;
    audience: string;
    scope: string | null;
    created_at: Seconds;
    expires_at: Seconds;
    browser: string | null;
    denied: number;
    polled_at: Seconds | null;
    poll_interval: Seconds;
    /** Whether the last poll was too soon. Stored, so that one statement decides it and returns it. */
    too_soon: number;
  };
  /** Null: not due before its session ends. */
  logout_notices: {
    sid: string;
    client_id: string;
    subject: string;
    attempts: number;
    due_at: Seconds | null;
    until: Seconds;
  };
};
