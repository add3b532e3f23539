import { MAX_CLOCK_SKEW } from "../keys/lifecycle.ts";
import type { Seconds } from "../time.ts";
import type { Revocation } from "../trust/trust-update.ts";

/** A revocation without its sequence number. `until` is the `exp` of a token; the store computes it for other kinds. */
export type NewRevocation = Pick<Revocation, "kind" | "id"> & { until?: Seconds };

/** When a revocation is made: its sequence number, the time of the request, and the longest token lifetime ever. */
export type RevokedAt = { sequence: number; at: Seconds; longestLifetime: Seconds };

/**
 * The revocation to store where `known` is stored. Retained until the token expires, or until all tokens concerned have;
 * never shorter than before. Tokens and grants are revoked once. A subject or client is revoked again, for tokens issued since.
 */
export function revocationAfter(
  known: Revocation | undefined,
  { kind, id, until = 0 }: NewRevocation,
  { sequence, at, longestLifetime }: RevokedAt,
): Revocation {
  if (known !== undefined && (kind === "token" || kind === "session")) return known;
  // The sequence number is the time of the store. The clock of the request may be behind.
  const latestIssue = Math.max(at, Math.floor(sequence / 1000));
  const retained = kind === "token" ? until : Math.max(until, latestIssue + longestLifetime + MAX_CLOCK_SKEW);
  return { kind, id, sequence, until: Math.max(retained, known?.until ?? 0) };
}
