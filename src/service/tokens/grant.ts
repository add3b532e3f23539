import { randomBytes, randomUUID } from "node:crypto";
import type { Issue } from "../../errors.ts";
import type { Grant, RefreshRotation } from "../../store/grant.ts";
import type { Seconds } from "../../time.ts";
import type { Caller } from "../access/caller.ts";
import { scopeInWords } from "../clients/client-policy.ts";
import { createRefreshToken, hashOf, type RefreshToken, successorOf } from "./refresh-token.ts";

export type GrantPolicy = {
  /** How long a session goes on, however it is used; and how long when it is not used. */
  ttl: Seconds;
  idle: Seconds;
  /** How long after its use a refresh token may be presented again, for whoever never got the answer. */
  replayWindow: Seconds;
};

type Moment = { policy: GrantPolicy; now: Seconds };

/** Names this process as the one whose clock tells when a refresh token was used. */
const SERVER = randomUUID();

/** Begins a session for a caller: what is kept of it, and its first refresh token. */
export function createGrant(
  { clientId }: Caller,
  terms: Pick<Grant, "subject" | "audience" | "scope" | "claims" | "ttl">,
  { policy, now }: Moment,
): { grant: Grant; refreshToken: RefreshToken } {
  const grant: Grant = {
    ...terms,
    sid: randomBytes(16).toString("base64url"),
    clientId,
    seed: randomBytes(32).toString("base64url"),
    createdAt: now,
    expiresAt: now + policy.ttl,
    idleUntil: now + policy.idle,
  };
  return { grant, refreshToken: createRefreshToken() };
}

/** What presenting a refresh token changes, and the token that follows from it. */
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

/** Says what a refreshed token may not have, or `undefined`: its scope may only be less than was granted (RFC 6749 §6). */
export function scopeViolation(grant: Grant, scope: string | undefined): Issue | undefined {
  const granted = new Set(grant.scope?.split(" "));
  const violation = scope?.split(" ").find((token) => !granted.has(token));
  if (violation === undefined) return undefined;
  return { path: "scope", message: `${scopeInWords(violation)} was not granted to this session` };
}
