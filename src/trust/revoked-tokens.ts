import type { Seconds } from "../time.ts";
import type { RevokedTokens } from "./trust-update.ts";

/** Tokens that expire within the same so many seconds are kept and forgotten together. */
const SPAN: Seconds = 60;

export type TokenSet = {
  add(jti: string, exp: Seconds): void;
  has(jti: string, exp: Seconds): boolean;
  size(): number;
  /** All of them, in pieces of at most so many. What is added meanwhile may be among them. */
  pieces(most: number): Generator<RevokedTokens>;
  /** Lets go of tokens that expired before a moment; of the latest of them a little later. */
  forget(before: Seconds): void;
};

/** A set of revoked tokens. It is kept by the time at which they expire, so that memory falls with it at once. */
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
    *pieces(most) {
      for (const [span, tokens] of [...spans]) {
        const jtis = [...tokens];
        for (let at = 0; at < jtis.length; at += most) yield { until: span * SPAN, jtis: jtis.slice(at, at + most) };
      }
    },
    forget(before) {
      for (const span of spans.keys()) if (span < spanOf(before)) spans.delete(span);
    },
  };
}
