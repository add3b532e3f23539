import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** A secret of 256 random bits, base64url: a handle, a code, the value of a cookie. The store has its hash. */
export function createSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Identifies this process, whose clock sets the expiry of its codes. Not secret. */
const SERVER = randomBytes(4).toString("base64url");

/** An authorization code: a secret, and which process made it. */
export function createCode(): string {
  return createSecret() + SERVER;
}

/** Whether this process made a code, so that its expiry is by the clock of this one. */
export function isOwnCode(code: string): boolean {
  return code.endsWith(SERVER);
}

/**
 * The token of a form on one of our pages: it proves that the page was made for this browser and this request. The request is
 * deleted when it is decided, and the token is worth nothing then.
 */
export function formToken(key: string, purpose: string): string {
  return createHmac("sha256", key).update(purpose).digest("base64url");
}

export function isFormToken(key: string | undefined, purpose: string, token: string): boolean {
  if (key === undefined) return false;
  return isSameSecret(token, formToken(key, purpose));
}

/** Compares in a time that does not depend on where the texts differ. */
export function isSameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
