import type { Seconds } from "../time.ts";
import type { Audience } from "../token/claims.ts";

/** What a refresh token stands for: whom tokens are issued to and about, and for how long it may go on. */
export type Grant = {
  /** The `sid` of its tokens. */
  sid: string;
  clientId: string;
  subject: string;
  audience: Audience;
  scope?: string | undefined;
  /** The custom claims of its tokens. */
  claims: Record<string, unknown>;
  /** How long each of its access tokens lives. */
  ttl: Seconds;
  /**
   * Keys the function by which each refresh token follows from the one before it. Of no use to
   * whoever has no refresh token, and of those only hashes are kept.
   */
  seed: string;
  createdAt: Seconds;
  /** When it ends, however it is used; and when it ends unless it is used before. */
  expiresAt: Seconds;
  idleUntil: Seconds;
};

/** One turn of a session: the presented token is used up, and the next one takes its place. */
export type RefreshRotation = {
  /** SHA-256 of the token that was presented, and of the one that follows from it. */
  hash: string;
  next: string;
  now: Seconds;
  idleUntil: Seconds;
  /** How long after its use a token may be presented again, for whoever never got the answer. */
  replayWindow: Seconds;
  /** Names the server whose clock `now` is of. The window is a minute longer where another one used the token. */
  server: string;
};
