import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJti } from "../../src/token/sign.ts";
import { createTrustState } from "../../src/trust/trust-state.ts";
import { type Revocation, readTrustUpdate, type TrustUpdate } from "../../src/trust/trust-update.ts";
import { NOW } from "../support/service.ts";

const token = (fields: {
  sequence: number;
  sub?: string;
  client_id?: string;
  sid?: string | undefined;
  exp?: number;
}) => {
  const { sequence, ...claims } = fields;
  return { jti: createJti(sequence, 0), sub: "ada", client_id: "web", exp: NOW + 900, ...claims };
};
type Token = ReturnType<typeof token>;

const update = (fields: Partial<TrustUpdate>): TrustUpdate => ({ epoch: "e", sequence: 0, at: 0, ...fields });
const revocation = (fields: Omit<Revocation, "until"> & { until?: number }) => ({ until: NOW + 900, ...fields });

function stateOf(...revocations: Revocation[]) {
  const state = createTrustState();
  state.apply(update({ revocations }));
  return state;
}

const name = fc.constantFrom("ada", "bob", "cy");
const number = fc.integer({ min: 1, max: 30 });
const until = fc.integer({ min: NOW, max: NOW + 900 });

/** Tokens, and a log of events about them in order. */
const history = fc
  .record({
    tokens: fc.array(
      fc.record({ sequence: number, sub: name, client_id: name, sid: fc.option(name, { nil: undefined }), exp: until }),
      { minLength: 1, maxLength: 12 },
    ),
    events: fc.array(
      fc.record({ kind: fc.constantFrom("token", "subject", "client", "session"), of: fc.nat(), id: name }),
      {
        maxLength: 30,
      },
    ),
  })
  .map(({ tokens, events }) => {
    const made = tokens.map(token);
    const log = events.map(({ kind, of, id }, at): Revocation => {
      const one = made[of % made.length] ?? token({ sequence: 1 });
      const about = kind === "token" ? { id: one.jti, until: one.exp } : { id, until: NOW + 900 };
      return { kind, sequence: at + 1, ...about };
    });
    return { tokens: made, log };
  });

/** The rule of revocation, in its simplest form. */
function isRevoked(claims: Token, log: readonly Revocation[]): boolean {
  const issuedAfter = Buffer.from(claims.jti, "base64url").readUIntBE(0, 6);
  return log.some(({ kind, id, sequence }) => {
    if (kind === "token") return claims.jti === id;
    if (kind === "session") return claims.sid === id;
    return (kind === "subject" ? claims.sub : claims.client_id) === id && issuedAfter < sequence;
  });
}

describe("the trust state", () => {
  it("equals a naive evaluation of the whole log, however updates overlap and repeat", () => {
    const cuts = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 20 });
    fc.assert(
      fc.property(history, cuts, ({ tokens, log }, pieces) => {
        const state = createTrustState();
        for (const [from, length] of [...pieces, [0, log.length] as const]) {
          const revocations = log.slice(from, from + length);
          state.apply(update({ revocations, sequence: revocations.at(-1)?.sequence ?? 0 }));
        }
        for (const claims of tokens) {
          expect(state.revocationReason(claims)).toBe(isRevoked(claims, log) ? "token_revoked" : undefined);
        }
        expect(state.sequence).toBe(log.length);
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same result for every unexpired token after deletions, and is empty in the end", () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(1000), { maxLength: 5 }), ({ tokens, log }, steps) => {
        const state = stateOf(...log);
        for (const step of steps.toSorted((a, b) => a - b)) {
          state.forget(NOW + step);
          for (const claims of tokens.filter(({ exp }) => exp > NOW + step)) {
            expect(state.revocationReason(claims)).toBe(isRevoked(claims, log) ? "token_revoked" : undefined);
          }
          for (const claims of tokens.filter((claims) => isRevoked(claims, log))) {
            expect(state.revocationReason(claims)).toMatch(/^token_(?:revoked|expired)$/);
          }
        }
        state.forget(NOW + 900 + 60 + 61);
        expect(state.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each(["subject", "client"] as const)(
    "distinguishes tokens issued to a %s before and after, within one second",
    (kind) => {
      const state = stateOf(revocation({ kind, id: kind === "subject" ? "ada" : "web", sequence: 7 }));
      expect(state.revocationReason(token({ sequence: 6 }))).toBe("token_revoked");
      expect(state.revocationReason(token({ sequence: 7 }))).toBeUndefined();
      expect(state.revocationReason({ ...token({ sequence: 0 }), jti: "from-elsewhere" })).toBe("token_revoked");
    },
  );

  it("applies the latest of several bounds, in any order of arrival", () => {
    for (const order of [
      [3, 9],
      [9, 3],
    ]) {
      const bounds = order.map((sequence) =>
        revocation({ kind: "subject", id: "ada", sequence, until: NOW + sequence }),
      );
      const state = stateOf(...bounds);
      expect(state.revocationReason(token({ sequence: 8 }))).toBe("token_revoked");
      expect(state.revocationReason(token({ sequence: 9 }))).toBeUndefined();
      state.forget(NOW + 65);
      expect(state.revocationReason(token({ sequence: 8 }))).toBe("token_revoked");
    }
  });

  it("retains a bound until the end of the longest that it replaces, also after lifetimes were shortened", () => {
    const bounds = [
      revocation({ kind: "subject", id: "ada", sequence: 3, until: NOW + 900 }),
      revocation({ kind: "subject", id: "ada", sequence: 9, until: NOW + 60 }),
    ];
    for (const state of [stateOf(...bounds), stateOf(...bounds.toReversed())]) {
      state.forget(NOW + 500);
      expect(state.revocationReason(token({ sequence: 2 }))).toBe("token_revoked");
      state.forget(NOW + 961);
      expect(state.size).toBe(0);
    }
  });

  it("retains revocations for a minute after expiry, and then reports such tokens as expired", () => {
    const revoked = token({ sequence: 1, exp: NOW + 1 });
    const state = stateOf(revocation({ kind: "token", id: revoked.jti, sequence: 2, until: revoked.exp }));
    state.forget(NOW + 60);
    expect(state.revocationReason(revoked)).toBe("token_revoked");
    state.forget(NOW + 1000);
    expect(state.revocationReason(revoked)).toBe("token_expired");
    expect(state.size).toBe(0);
  });

  it("reports a clock that was set back before deleted revocations, and refuses tokens of that time", () => {
    const revoked = token({ sequence: 1 });
    const state = stateOf(revocation({ kind: "token", id: revoked.jti, sequence: 2, until: revoked.exp }));
    state.forget(NOW + 5000);
    expect(state.hasForgottenTooMuch(NOW + 4941)).toBe(false);
    expect(state.hasForgottenTooMuch(NOW)).toBe(true);
    expect(state.revocationReason(revoked)).toBe("token_expired");
  });

  it("retains the keys of the last update that had keys", () => {
    const state = createTrustState();
    state.apply(update({ keys: [{ jwk: { kid: "a" } }] }));
    state.apply(update({ sequence: 4, epoch: "f" }));
    expect([state.keys, state.epoch, state.sequence]).toEqual([[{ jwk: { kid: "a" } }], "f", 4]);
    state.apply(update({ keys: [] }));
    expect([state.keys, state.sequence]).toEqual([[], 4]);
  });

  it("frees memory as tokens expire", () => {
    const state = createTrustState();
    const revocations = Array.from({ length: 20_000 }, (_, at) =>
      revocation({ kind: "token", id: createJti(at, 0), sequence: at, until: NOW + (at % 1000) }),
    );
    state.apply(update({ revocations }));
    const sizes = [0, 300, 600, 900, 1200].map((later) => {
      state.forget(NOW + later);
      return state.size;
    });
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect([sizes[0], sizes.at(-1)]).toEqual([20_000, 0]);
    expect(sizes[2]).toBeLessThan(11_000);
  });
});

describe("readTrustUpdate", () => {
  it.each([
    undefined,
    null,
    [],
    "update",
    {},
    update({ epoch: "" }),
    update({ sequence: -1 }),
    update({ sequence: 1.5 }),
    update({ sequence: 2 ** 53 }),
    update({ at: Number.NaN }),
    { ...update({}), unknown: 1 },
    update({ revocations: [revocation({ kind: "key" as never, id: "k", sequence: 1 })] }),
    update({ revocations: [revocation({ kind: "token", id: "", sequence: 1 })] }),
    update({ keys: [{ jwk: [] }] }),
    update({ keys: "none" as never }),
  ])("refuses %o", (value) => {
    expect(readTrustUpdate(value)).toBeUndefined();
  });

  it("parses every valid update", () => {
    const whole = update({
      reset: true,
      more: true,
      keys: [{ jwk: { kty: "EC" }, until: 5 }],
      revocations: [revocation({ kind: "session", id: "s", sequence: 3 })],
    });
    expect(readTrustUpdate(JSON.parse(JSON.stringify(whole)))).toEqual(whole);
    expect(readTrustUpdate(update({}))).toEqual(update({}));
  });
});
