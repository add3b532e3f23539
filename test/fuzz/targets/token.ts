import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { catalogue, MintmarkError } from "../../../src/errors.ts";
import { anyClaims } from "../../../src/token/claims.ts";
import { parseCompact } from "../../../src/token/compact.ts";
import { verifyAccessToken } from "../../../src/token/verify.ts";
import { createTrustState } from "../../../src/trust/trust-state.ts";
import { createTokenVerifier, type ExpectedToken } from "../../../src/verifier/token-verifier.ts";
import { twinOf } from "../../support/ecdsa.ts";
import type { Forge } from "../../support/forge.ts";
import { ISSUER } from "../../support/service.ts";
import { keys, lookup } from "../keys.ts";
import { type Oracle, verdictOf } from "../oracle.ts";
import { createSignedSet } from "../signed-set.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { forgedTokens, isSlow, mutatedText, resigned } from "../tokens.ts";

/** 2027-01-01T00:00:00Z. */
export const NOW = 1798761600;

const MAX_LIFETIME = 86400;

const oracle: Oracle = {
  issuer: ISSUER,
  now: NOW,
  maxLifetime: MAX_LIFETIME,
  algorithms: new Map(keys.map(({ kid, alg }) => [kid, alg])),
  revokedTokens: new Set(["revoked"]),
  revokedSubjects: new Map([["mallory", 5]]),
};

/** A token, the expectations, the key of its next mutation, and the key that signed exactly this text. */
type TokenInput = ExpectedToken & { token: string; alg: Forge["alg"]; signedBy: Forge["alg"] | undefined };

/** A verifier with its cache, a revoked token and a revoked subject. */
export function createFuzzVerifier() {
  const trust = createTrustState();
  const until = NOW + 10 * MAX_LIFETIME;
  // Token revocations are indexed by `exp`, of which the fuzzer has many.
  const { revocationReason: faultOf } = trust;
  trust.apply({
    epoch: "e",
    sequence: 5,
    at: 0,
    revocations: [{ kind: "subject", id: "mallory", sequence: 5, until }],
  });
  return createTokenVerifier({
    source: {
      lookup,
      fetchKey: async () => undefined,
      trust: () => ({ revocationReason: (claims) => (claims.jti === "revoked" ? "token_revoked" : faultOf(claims)) }),
      isStale: () => false,
    },
    policy: () => ({ issuer: ISSUER, maxLifetime: MAX_LIFETIME }),
    claimsSchema: anyClaims,
    clock: () => NOW,
  });
}

export type TokenTargetOptions = {
  /** A verifier in place of `verifyAccessToken`: a wrong one shows that the fuzzer detects it. */
  verify?: typeof verifyAccessToken;
};

/**
 * Verification of tokens, with and without the cache, compared with an oracle that shares no code with it and knows what was
 * signed. The cached verifier gets each token twice: the second answer comes from the cache.
 */
export function tokenTarget({ verify = verifyAccessToken }: TokenTargetOptions = {}): Target<TokenInput> {
  const verifyCached = createFuzzVerifier();
  const signed = createSignedSet();
  const expectations = {
    audience: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(ISSUER, undefined) },
      fc.constantFrom<string | string[]>("orders", "x", ["orders", "x"], ["x", ISSUER], []),
    ),
    scope: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom("a", "b a", "orders:read", "c")),
  };

  return {
    structured: fc
      .record({ forged: forgedTokens({ keys, issuer: ISSUER, now: () => NOW }), ...expectations })
      .map(({ forged: { token, by }, ...expected }) => ({
        ...expected,
        token,
        alg: by.alg,
        signedBy: signed.add(token, by.alg),
      })),

    mutate(input, random, other) {
      const { alg, token } = input;
      const by = keys.find((key) => key.alg === alg);
      if (by !== undefined && random.chance(isSlow(by) ? 0.1 : 0.5)) {
        const forged = resigned({ token, by }, random, other.token);
        return { ...input, token: forged.token, signedBy: signed.add(forged.token, by.alg) };
      }
      const changed = random.chance(0.02) ? twinOf(token) : mutatedText(token, random, other.token);
      return { ...input, token: changed, signedBy: signed.signerOf(changed) };
    },

    async examine(input): Promise<Outcome> {
      const { token, audience, scope } = input;
      const twin = twinOf(token);
      const isTwin = input.signedBy === undefined && signed.signerOf(twin) === "ES256" && twinOf(twin) === token;
      // The twin of an ECDSA signature is as valid as the signature.
      const theCase = { token, audience, scope, signedBy: isTwin ? "ES256" : input.signedBy };
      const verdict = verdictOf(theCase, { ...oracle, revokedTokens: new Set(), revokedSubjects: new Map() });
      const expected = { issuer: ISSUER, audience, scope, now: NOW, maxLifetime: MAX_LIFETIME };
      await expectVerdict(verdict, token, () => verify(token, lookup, { ...expected, claimsSchema: anyClaims }));
      const cached = verdictOf(theCase, oracle);
      for (let time = 0; time < 2; time += 1)
        await expectVerdict(cached, token, () => verifyCached(token, { audience, scope }));
      return { what: isTwin ? `${cached} (n - s)` : cached, isParsed: parseCompact(token) !== undefined };
    },
  };
}

async function expectVerdict(expected: string, token: string, verify: () => Promise<object>): Promise<void> {
  const answer = await verify().then(
    (claims) => ({ verdict: "accepted", claims }),
    (error: unknown) => ({ verdict: reasonOf(error, token), claims: undefined }),
  );
  if (answer.verdict !== expected) throw new Violation(`answered ${answer.verdict}, and not ${expected}`);
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  if (answer.claims !== undefined && !isDeepStrictEqual({ ...answer.claims }, JSON.parse(payload)))
    throw new Violation("gave other claims than were signed");
}

function reasonOf(error: unknown, token: string): string {
  if (!(error instanceof MintmarkError)) throw error;
  if (error.message !== catalogue[error.reason].message) throw new Violation("says what is not in the catalogue");
  if (token.length >= 12 && JSON.stringify([error.message, error.issues]).includes(token.slice(-12)))
    throw new Violation("quotes the token");
  return error.reason;
}
