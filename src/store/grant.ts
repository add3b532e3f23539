import { MAX_CLOCK_SKEW } from "../keys/lifecycle.ts";
import type { Seconds } from "../time.ts";
import type { Audience } from "../token/claims.ts";

/** An authorization grant, which a refresh token represents (RFC 6749 §1.5): client, subject, limits and expiry. */
export type Grant = {
  /** The `sid` claim of its tokens; their `grant_id` claim where the grant came by a sign-in. */
  sid: string;
  /** The sign-in session that the grant came by: then the `sid` claim of its tokens. */
  signIn?: string | undefined;
  clientId: string;
  subject: string;
  audience: Audience;
  scope?: string | undefined;
  /** The custom claims of its tokens. */
  claims: Record<string, unknown>;
  /** Lifetime of each access token. */
  ttl: Seconds;
  /**
   * HMAC key that derives each refresh token from its predecessor. Useless without a refresh token, of which only hashes
   * are stored.
   */
  seed: string;
  createdAt: Seconds;
  /** Absolute expiry, and expiry unless a refresh token is used before. */
  expiresAt: Seconds;
  idleUntil: Seconds;
};

/** A grant as listed, with the current name of its client, unless that was removed. */
export type ListedGrant = Omit<Grant, "claims" | "ttl" | "seed"> & { clientName?: string | undefined };

export type GrantQuery = {
  subject: string;
  /** Only grants that have not ended at this time. */
  now: Seconds;
  /** Only grants after this one in the order of the list (pagination). */
  before?: Pick<Grant, "createdAt" | "sid"> | undefined;
  limit: number;
};

/** One refresh token rotation: the presented token is consumed and replaced by its successor (RFC 9700 §4.14.2). */
export type RefreshRotation = {
  /** SHA-256 of the presented token and of its successor. */
  hash: string;
  next: string;
  now: Seconds;
  idleUntil: Seconds;
  /** How long after its use a token may be presented again: the response may have been lost. */
  replayWindow: Seconds;
  /** Identifies the server whose clock gave `now`. The window is 60 s longer where another server consumed the token. */
  server: string;
};

/** Whether a grant has expired. */
export function hasEnded({ expiresAt, idleUntil }: Pick<Grant, "expiresAt" | "idleUntil">, now: Seconds): boolean {
  return expiresAt <= now || idleUntil <= now;
}

/** When a refresh token was used, and by which server. */
export type TokenUse = { usedAt?: Seconds | null; usedBy?: string | null };

/** What presenting a refresh token of an active grant causes; see `rotateRefreshToken` of the store. */
export function rotationOutcome(
  { usedAt, usedBy }: TokenUse,
  { now, replayWindow, server }: RefreshRotation,
): "rotated" | "replayed" | "reused" {
  if (usedAt === undefined || usedAt === null) return "rotated";
  // Tolerates the clock difference to the server that consumed the token.
  const window = usedBy === server ? replayWindow : replayWindow + MAX_CLOCK_SKEW;
  return now - usedAt < window ? "replayed" : "reused";
}
