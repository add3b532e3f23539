import type { Seconds } from "../time.ts";
import type { Audience } from "../token/claims.ts";

/** Where the answer to an authorization request goes: to a redirect URI, or to the device that polls. */
type AuthorizationTarget =
  | {
      kind: "redirect";
      redirectUri: string;
      responseMode: "query" | "form_post";
      state?: string | undefined;
      nonce?: string | undefined;
      /** SHA-256 of the code verifier, base64url (RFC 7636 §4.2). */
      challenge: string;
    }
  | {
      kind: "device";
      /** SHA-256 of the device code, and when it expires. */
      hash: string;
      expiresAt: Seconds;
    };

/** A validated authorization request, kept until the person has decided. The browser has its handle alone. */
export type AuthorizationRequest = {
  /** SHA-256 of the handle, and of the cookie of the browser that began. */
  handle: string;
  browser: string;
  clientId: string;
  target: AuthorizationTarget;
  audience: Audience;
  scope?: string | undefined;
  /**
   * Whether nobody may be asked, the person must sign in again, or be asked again (OIDC Core §3.1.2.1). `select`: whether the
   * person wants another account, whenever that signed in. `before`: SHA-256 of the session cookie of the browser when it
   * began. Another one follows after the sign-in.
   */
  prompt: { none: boolean; login: boolean; consent: boolean; select?: true | undefined; before?: string | undefined };
  maxAge?: Seconds | undefined;
  loginHint?: string | undefined;
  startedAt: Seconds;
  expiresAt: Seconds;
  /** Who the person is, as an application in another process said, or that it refused the sign-in. */
  person?: SignedInPerson | "refused" | undefined;
};

/** Who the person is. */
export type SignedInPerson = {
  /** The latest change when that was said: a later revocation of the subject counts. Absent: that was just now. */
  asOf?: number | undefined;
  subject: string;
  claims: Record<string, unknown>;
  profile: Record<string, unknown>;
  scope?: string | undefined;
  authTime: Seconds;
};

/** An authorization code (RFC 6749 §4.1), or the approval of a device code (RFC 8628), and what it will be exchanged for. */
export type AuthorizationCode = {
  /** SHA-256 of the code, or of the device code. */
  hash: string;
  clientId: string;
  /** The sign-in session, its subject, and when the person last signed in. */
  sid: string;
  subject: string;
  authTime: Seconds;
  claims: Record<string, unknown>;
  profile: Record<string, unknown>;
  audience: Audience;
  scope?: string | undefined;
  nonce?: string | undefined;
  /** Absent for a device code. */
  redirectUri?: string | undefined;
  challenge?: string | undefined;
  createdAt: Seconds;
  /** When it can no longer be exchanged. */
  expiresAt: Seconds;
  /** The grant that it was exchanged for. Absent: it was not used. */
  grantSid?: string | undefined;
};

/** A device authorization request (RFC 8628 §3.1) before its approval, which makes an {@link AuthorizationCode} of it. */
export type DeviceRequest = {
  /** SHA-256 of the device code, and of the user code in its normal form. Both are unique. */
  hash: string;
  userCode: string;
  clientId: string;
  audience: Audience;
  scope?: string | undefined;
  createdAt: Seconds;
  expiresAt: Seconds;
  /** SHA-256 of the cookie of the browser that entered the user code first. */
  browser?: string | undefined;
  denied: boolean;
  /** When the device asked last, and how long it must wait between two requests. */
  polledAt?: Seconds | undefined;
  interval: Seconds;
};
