import type { Reason } from "../errors.ts";
import type { Seconds } from "../time.ts";
import type { RegisteredClaims } from "../token/claims.ts";
import { createBounds } from "./bounds.ts";
import { createRevokedTokens } from "./revoked-tokens.ts";
import type { Revocation, TrustedKey, TrustUpdate } from "./trust-update.ts";

/** How long a revocation is kept after it has ceased to matter: a token may be accepted for as long after its `exp`. */
const MARGIN: Seconds = 60;

/** Revocations in one piece of a snapshot: so few that nobody waits long while it is made or read. */
const PIECE = 5000;

/** What a token is asked about. */
type Revocable = Pick<RegisteredClaims, "jti" | "sub" | "client_id" | "sid" | "exp">;

/** Everything that must be known to trust a token. */
export type TrustState = {
  /** The history it belongs to, and the number of the latest event in it. */
  readonly epoch: string;
  readonly sequence: number;
  readonly keys: readonly TrustedKey[];
  /** How many revocations it holds. */
  readonly size: number;
  /** Takes the next update. Updates may overlap with what is known already. */
  apply(update: TrustUpdate): void;
  /** All revocations, in pieces. What is revoked meanwhile may be among them. */
  snapshot(): Generator<Pick<TrustUpdate, "revocations" | "tokens">>;
  /** Says why a token counts no more, or `undefined`. Signature and times are not looked at. */
  revocationReason(claims: Revocable): Reason | undefined;
  /** Whether a client was revoked, or removed, by a later event than one. */
  isClientRevokedAfter(clientId: string, sequence: number): boolean;
  /** Lets go of revocations that matter no more. */
  forget(now: Seconds): void;
  /** Whether more was forgotten than `now` allows: a clock was set back, so the state ought to be built anew. */
  hasForgottenTooMuch(now: Seconds): boolean;
};

/** Makes the trust state that knows of nothing yet: the fold of no events. */
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

    revocationReason({ jti, sub, client_id, sid, exp }) {
      // Whatever was known of it may be forgotten: it has expired, also where the clock was set back since.
      if (exp <= forgotten) return "token_expired";
      if (tokens.has(jti, exp)) return "token_revoked";
      if (bounds.subject.isBelow(sub, jti) || bounds.client.isBelow(client_id, jti)) return "token_revoked";
      return sid !== undefined && bounds.session.has(sid) ? "token_revoked" : undefined;
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
