import { createHash, createHmac, randomBytes } from "node:crypto";

/** 256 random bits as text, or as many that follow from another token. */
export type RefreshToken = string;

export function createRefreshToken(): RefreshToken {
  return randomBytes(32).toString("base64url");
}

/**
 * The token that follows from one in its session, always the same: so a retry can be answered with what
 * was lost, although only hashes are kept. It takes the token and the session's seed to work it out, and
 * nobody but the service, at the moment when the token is presented, has both.
 */
export function successorOf(token: RefreshToken, seed: string): RefreshToken {
  return createHmac("sha256", seed).update(token).digest("base64url");
}

/** What is kept of a token. It has too many random bits for a slow hash to add anything. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
