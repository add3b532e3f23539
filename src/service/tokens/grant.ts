import { randomBytes, randomUUID } from "node:crypto";
import type { Issue } from "../../errors.ts";
import type { Session, Turn } from "../../store/grant.ts";
import type { Seconds } from "../../time.ts";
import type { Caller } from "../access/caller.ts";
import { scopeInWords } from "../clients/client-policy.ts";
import { createRefreshToken, hashOf, type RefreshToken, successorOf } from "./refresh-token.ts";

export type SessionPolicy = {
  /** How long a session goes on, however it is used; and how long when it is not used. */
  ttl: Seconds;
  idle: Seconds;
  /** How long after its use a refresh token may be presented again, for whoever never got the answer. */
  replayWindow: Seconds;
};

type Moment = { policy: SessionPolicy; now: Seconds };

/** Names this process as the one whose clock tells when a refresh token was used. */
const SERVER = randomUUID();

/** Begins a session for a caller: what is kept of it, and its first refresh token. */
export function beginSession(
  { clientId }: Caller,
  terms: Pick<Session, "subject" | "audience" | "scope" | "claims" | "ttl">,
  { policy, now }: Moment,
): { session: Session; refreshToken: RefreshToken } {
  const session: Session = {
    ...terms,
    sid: randomBytes(16).toString("base64url"),
    clientId,
    seed: randomBytes(32).toString("base64url"),
    createdAt: now,
    expiresAt: now + policy.ttl,
    idleUntil: now + policy.idle,
  };
  return { session, refreshToken: createRefreshToken() };
}

/** What presenting a refresh token changes, and the token that follows from it. */
export function turnOf(
  { seed }: Session,
  presented: RefreshToken,
  { policy, now }: Moment,
): { change: Turn; successor: RefreshToken } {
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
export function beyondSession(session: Session, scope: string | undefined): Issue | undefined {
  const granted = new Set(session.scope?.split(" "));
  const beyond = scope?.split(" ").find((token) => !granted.has(token));
  if (beyond === undefined) return undefined;
  return { path: "scope", message: `${scopeInWords(beyond)} was not granted to this session` };
}
