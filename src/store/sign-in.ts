import type { Seconds } from "../time.ts";

/** A sign-in session: one person in one browser. Its cookie holds a secret, of which the store has the hash. */
export type SignIn = {
  /** The `sid` claim of all tokens that came by it. */
  sid: string;
  /** SHA-256 of the secret in the cookie. Another one after every sign-in. */
  hash: string;
  subject: string;
  /** The custom claims of its tokens. */
  claims: Record<string, unknown>;
  /** What relying parties learn of the person, by the scopes `profile`, `email`, `phone` and `address` (OIDC Core §5.4). */
  profile: Record<string, unknown>;
  /** The scope tokens that the person may grant, separated by spaces. Absent: all. */
  scope?: string | undefined;
  /** When the person last proved who they are. */
  authTime: Seconds;
  createdAt: Seconds;
  expiresAt: Seconds;
};

/** What a new sign-in of the same person in the same browser changes. */
export type SignInRenewal = Pick<SignIn, "hash" | "claims" | "profile" | "scope" | "authTime" | "expiresAt">;

/** A sign-in session as listed. */
export type ListedSignIn = Omit<SignIn, "hash" | "claims" | "profile" | "scope">;

export type SignInQuery = {
  subject: string;
  /** Only sessions that have not ended at this time. */
  now: Seconds;
  /** Only sessions after this one in the order of the list (pagination): newest first, then by `sid`. */
  before?: Pick<SignIn, "createdAt" | "sid"> | undefined;
  limit: number;
};

/**
 * What a person agreed to: these scope tokens, for a client whose codes go to this host, at one resource. Tokens of OpenID
 * Connect, which no resource has, are among those of each resource.
 */
export type Consent = {
  subject: string;
  clientId: string;
  /** The host of the redirect URI, or its scheme where that is of an application; `device:` for the device grant. */
  host: string;
  audience: string;
  scopes: readonly string[];
  /** When the person last agreed. */
  at: Seconds;
};

/** A consent as listed, with the current name of its client. */
export type ListedConsent = Consent & { clientName?: string | undefined };

/** A relying party that is notified of the end of a session (OIDC Back-Channel Logout 1.0). */
export type LogoutNotice = {
  sid: string;
  clientId: string;
  subject: string /** Failed attempts so far. */;
  attempts: number;
};

/** How long a logout notice is retained after it became due: by then its relying party was notified, or cannot be reached. */
export const NOTICE_RETENTION: Seconds = 86_400;
