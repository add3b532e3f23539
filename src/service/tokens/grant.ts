import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import type { Issue } from "../../errors.ts";
import type { Grant, RefreshRotation } from "../../store/grant.ts";
import type { Seconds } from "../../time.ts";
import type { Caller } from "../access/caller.ts";
import { printableScope } from "../clients/client-policy.ts";

/** What a grant is for. */
export type GrantParameters = Pick<Grant, "subject" | "audience" | "scope" | "claims" | "ttl" | "signIn"> & {
  sid?: string | undefined;
};

export type GrantPolicy = {
  /** Lifetime of a grant, and its longest idle time. */
  ttl: Seconds;
  idle: Seconds;
  /** How long after its use a refresh token may be presented again: the response may have been lost. */
  replayWindow: Seconds;
};

type Moment = { policy: GrantPolicy; now: Seconds };

/** Identifies this process, whose clock sets the time of use of a refresh token. */
const SERVER = randomUUID();

/** Creates a grant for a caller, with its first refresh token. */
export function createGrant(
  { clientId }: Caller,
  { subject, audience, scope, claims, ttl, signIn }: Omit<GrantParameters, "sid">,
  { policy, now }: Moment,
): { grant: Grant; refreshToken: RefreshToken } {
  const grant: Grant = {
    ...{ subject, audience, scope, claims, ttl },
    ...(signIn !== undefined && { signIn }),
    sid: randomBytes(16).toString("base64url"),
    clientId,
    seed: randomBytes(32).toString("base64url"),
    createdAt: now,
    expiresAt: now + policy.ttl,
    idleUntil: now + policy.idle,
  };
  return { grant, refreshToken: createRefreshToken() };
}

/** The rotation of a presented refresh token, and its successor. */
export function refreshRotation(
  { seed }: Grant,
  presented: RefreshToken,
  { policy, now }: Moment,
): { change: RefreshRotation; successor: RefreshToken } {
  const successor = successorOf(presented, seed);
  const { replayWindow } = policy;
  const change = {
    hash: hashOf(presented),
    next: hashOf(successor),
    now,
    idleUntil: now + policy.idle,
    replayWindow,
    server: SERVER,
  };
  return { change, successor };
}

/** The scope violation of a refresh request, if any: the scope must not exceed the granted one (RFC 6749 §6). */
export function scopeViolation(grant: Grant, scope: string | undefined): Issue | undefined {
  const granted = new Set(grant.scope?.split(" "));
  const violation = scope?.split(" ").find((token) => !granted.has(token));
  if (violation === undefined) return undefined;
  return { path: "scope", message: `${printableScope(violation)} was not granted` };
}

/** 256 bits, base64url: random, or derived from the previous token. */
export type RefreshToken = string;

function createRefreshToken(): RefreshToken {
  return randomBytes(32).toString("base64url");
}

/**
 * The successor of a refresh token: an HMAC, so that a retry gets the same token although only hashes are stored. It takes
 * the token and the seed of the grant; only the service has both, and only while a client presents the token.
 */
function successorOf(token: RefreshToken, seed: string): RefreshToken {
  return createHmac("sha256", seed).update(token).digest("base64url");
}

/** The stored hash. 256 random bits need no slow hash. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
