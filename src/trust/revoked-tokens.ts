import type { Seconds } from "../time.ts";

/** Tokens that expire within the same so many seconds are kept and forgotten together. */
const SPAN: Seconds = 60;

export type RevokedTokens = {
  add(jti: string, exp: Seconds): void;
  has(jti: string, exp: Seconds): boolean;
  size(): number;
  /** Lets go of tokens that expired before a moment; of the latest of them a little later. */
  forget(before: Seconds): void;
};

/** A set of revoked tokens. It is kept by the time at which they expire, so that memory falls with it at once. */
export function createRevokedTokens(): RevokedTokens {
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
    forget(before) {
      for (const span of spans.keys()) if (span < spanOf(before)) spans.delete(span);
    },
  };
}
