import type { Reason } from "../errors.ts";
import type { Seconds } from "../time.ts";
import type { RegisteredClaims } from "../token/claims.ts";
import { createBounds } from "./bounds.ts";
import { createRevokedTokens } from "./revoked-tokens.ts";
import type { Revocation, TrustedKey, TrustUpdate } from "./trust-update.ts";

/** How long a revocation is retained after the expiry of its tokens: the largest clock tolerance. */
const MARGIN: Seconds = 60;

/** Revocations in one piece of a snapshot. Few enough to block the event loop only briefly. */
const PIECE = 5000;

/** The claims that a revocation can match. */
type Revocable = Pick<RegisteredClaims, "jti" | "sub" | "client_id" | "sid" | "grant_id" | "exp">;

/** The trusted keys and the revocations. */
export type TrustState = {
  /** The history, and the number of its latest event. */
  readonly epoch: string;
  readonly sequence: number;
  readonly keys: readonly TrustedKey[];
  /** Number of revocations. */
  readonly size: number;
  /** Applies the next update. It may repeat earlier ones. */
  apply(update: TrustUpdate): void;
  /** All revocations, in pieces. May include later ones. */
  snapshot(): Generator<Pick<TrustUpdate, "revocations" | "tokens">>;
  /** Why a token is not valid, or `undefined`. Not checked: signature and times. */
  revocationReason(claims: Revocable): Reason | undefined;
  /** Whether a later event revoked or removed a client. */
  isClientRevokedAfter(clientId: string, sequence: number): boolean;
  /** Deletes revocations of expired tokens. */
  forget(now: Seconds): void;
  /** Whether revocations were deleted that apply at `now`: the clock was set back, and the state must be rebuilt. */
  hasForgottenTooMuch(now: Seconds): boolean;
};

/** Creates an empty trust state. */
export function createTrustState(): TrustState {
  const tokens = createRevokedTokens();
  const bounds = { subject: createBounds(), client: createBounds(), session: createBounds() };
  let [epoch, sequence, forgotten]: [string, number, Seconds] = ["", 0, 0];
  let keys: readonly TrustedKey[] = [];

  function revoke({ kind, id, sequence, until }: Revocation): void {
    if (kind === "token") tokens.add(id, until);
    else bounds[kind].raise(id, { to: sequence, until });
  }

  return {
    get epoch() {
      return epoch;
    },
    get sequence() {
      return sequence;
    },
    get keys() {
      return keys;
    },
    get size() {
      return tokens.size() + bounds.subject.size() + bounds.client.size() + bounds.session.size();
    },

    apply(update) {
      epoch = update.epoch;
      sequence = Math.max(sequence, update.sequence);
      keys = update.keys ?? keys;
      for (const revocation of update.revocations ?? []) revoke(revocation);
      for (const { until, jtis } of update.tokens ?? []) for (const jti of jtis) tokens.add(jti, until);
    },

    *snapshot() {
      for (const piece of tokens.pieces(PIECE)) yield { tokens: [piece] };
      const revocations = Object.entries(bounds).flatMap(([kind, { all }]) =>
        all().map(({ id, to, until }) => ({ kind: kind as keyof typeof bounds, id, sequence: to, until })),
      );
      for (let at = 0; at < revocations.length; at += PIECE) yield { revocations: revocations.slice(at, at + PIECE) };
    },

    revocationReason({ jti, sub, client_id, sid, grant_id, exp }) {
      // Its revocation may be deleted. Expired also if the clock was set back since.
      if (exp <= forgotten) return "token_expired";
      if (tokens.has(jti, exp)) return "token_revoked";
      if (bounds.subject.isBelow(sub, jti) || bounds.client.isBelow(client_id, jti)) return "token_revoked";
      if (sid === undefined) return undefined;
      // A sign-in session, and the grant that came by it: a revocation of either counts.
      const isRevoked = bounds.session.has(sid) || (grant_id !== undefined && bounds.session.has(grant_id));
      return isRevoked ? "token_revoked" : undefined;
    },

    isClientRevokedAfter: bounds.client.isRaisedAfter,

    forget(now) {
      const before = now - MARGIN;
      if (before <= forgotten) return;
      forgotten = before;
      tokens.forget(before);
      for (const bound of Object.values(bounds)) bound.forget(before);
    },

    hasForgottenTooMuch: (now) => now < forgotten,
  };
}
