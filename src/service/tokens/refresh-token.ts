import { createHash, createHmac, randomBytes } from "node:crypto";

/** 256 bits, base64url: random, or derived from the previous token. */
export type RefreshToken = string;

export function createRefreshToken(): RefreshToken {
  return randomBytes(32).toString("base64url");
}

/**
 * The successor of a refresh token: an HMAC, so that a retry gets the same token although only hashes are stored. It takes
 * the token and the seed of the grant; only the service has both, and only while a client presents the token.
 */
export function successorOf(token: RefreshToken, seed: string): RefreshToken {
  return createHmac("sha256", seed).update(token).digest("base64url");
}

/** The stored hash. 256 random bits need no slow hash. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
