import type { Seconds } from "../time.ts";
import type { RevokedTokens } from "./trust-update.ts";

/** Tokens that expire within the same span are deleted together. */
const SPAN: Seconds = 60;

export type TokenSet = {
  add(jti: string, exp: Seconds): void;
  has(jti: string, exp: Seconds): boolean;
  size(): number;
  /** All tokens, in pieces of at most `limit`. May include tokens added meanwhile. */
  pieces(limit: number): Generator<RevokedTokens>;
  /** Deletes tokens that expired before a moment, up to a span late. */
  forget(before: Seconds): void;
};

/** A set of revoked tokens, grouped by expiry so that deletion frees memory at once. */
export function createRevokedTokens(): TokenSet {
  const spans = new Map<number, Set<string>>();
  const spanOf = (exp: Seconds) => Math.floor(exp / SPAN);

  return {
    add(jti, exp) {
      const span = spans.get(spanOf(exp));
      if (span === undefined) spans.set(spanOf(exp), new Set([jti]));
      else span.add(jti);
    },
    has: (jti, exp) => spans.get(spanOf(exp))?.has(jti) ?? false,
    size: () => [...spans.values()].reduce((sum, { size }) => sum + size, 0),
    *pieces(limit) {
      for (const [span, tokens] of [...spans]) {
        const jtis = [...tokens];
        for (let at = 0; at < jtis.length; at += limit) yield { until: span * SPAN, jtis: jtis.slice(at, at + limit) };
      }
    },
    forget(before) {
      for (const span of spans.keys()) if (span < spanOf(before)) spans.delete(span);
    },
  };
}
