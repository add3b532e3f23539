import { sign } from "node:crypto";
import { expect } from "vitest";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { CURVES, type Curve, twinOf } from "../../support/ecdsa.ts";
import {
  type Forge,
  forge,
  goodClaims,
  integer,
  type PairForge,
  signatureOf,
  toInteger,
  withSignature,
} from "../../support/forge.ts";
import { verify } from "../../support/refusal.ts";

/** Rows 4 to 7: signatures that are absent, of special numbers, of another form, or malleable. */
export function signatureAttacks(suite: AttackSuite): void {
  const { all, es256, es384, edDsa } = suite.forges;
  for (const by of all) suite.refused(4, by, { tokens: emptySignatures(by) });
  for (const by of [es256, es384]) {
    const curve = CURVES[by.alg];
    if (curve === undefined) throw new Error(`no curve for ${by.alg}`);
    suite.refused(5, by, { tokens: psychicSignatures(by, curve) });
    twinIsTheSameToken(suite, by);
    suite.refused(7, by, { tokens: derSignatures(by) });
  }
  suite.refused(5, edDsa, { tokens: edwardsSignatures(edDsa) });
}

/** CVE-2020-28042. */
function emptySignatures(by: Forge): Tokens {
  const token = forge(by);
  const unsigned = token.slice(0, token.lastIndexOf("."));
  const { length } = signatureOf(token);
  return {
    "a token with an empty signature": `${unsigned}.`,
    "a token without a signature": unsigned,
    "a token with a zero byte for a signature": withSignature(token, Buffer.alloc(1)),
    "a token whose signature is all zero": withSignature(token, Buffer.alloc(length)),
    "a token whose signature is all ones": withSignature(token, Buffer.alloc(length, 0xff)),
    "a token with half a signature": withSignature(token, signatureOf(token).subarray(0, length / 2)),
    "a token with a byte less of its signature": withSignature(token, signatureOf(token).subarray(0, -1)),
    "a token with a byte more of its signature": withSignature(token, Buffer.concat([signatureOf(token), ZERO])),
    "a token with its signature twice": withSignature(token, Buffer.concat([signatureOf(token), signatureOf(token)])),
    "a token with the signature of other claims": withSignature(
      token,
      signatureOf(forge(by, { payload: goodClaims({ sub: "eve" }) })),
    ),
  };
}

const ZERO = Buffer.alloc(1);

/** CVE-2022-21449: a verifier without a range check of r and s accepts zeros. */
function psychicSignatures(by: Forge, { order, size }: Curve): Tokens {
  const token = forge(by);
  const r = signatureOf(token).subarray(0, size);
  const s = signatureOf(token).subarray(size);
  const special = { "0": 0n, "1": 1n, "n-1": order - 1n, n: order, "n+1": order + 1n };
  const tokens: Tokens = {
    "r and s with a zero in front of each": withSignature(token, Buffer.concat([ZERO, r, ZERO, s])),
    "r and s with a zero behind each": withSignature(token, Buffer.concat([r, ZERO, s, ZERO])),
    "r and s with zeros behind both": withSignature(token, Buffer.concat([r, s, Buffer.alloc(size)])),
    "r and s in the wrong order": withSignature(token, Buffer.concat([s, r])),
    "r and s little end first": withSignature(token, Buffer.concat([r.toReversed(), s.toReversed()])),
    "r and s of 0 in one byte each": withSignature(token, Buffer.alloc(2)),
  };
  for (const [first, one] of Object.entries(special)) {
    tokens[`a special r beside a good s | ${first}`] = withSignature(token, Buffer.concat([integer(one, size), s]));
    tokens[`a special s beside a good r | ${first}`] = withSignature(token, Buffer.concat([r, integer(one, size)]));
    for (const [second, other] of Object.entries(special)) {
      const both = Buffer.concat([integer(one, size), integer(other, size)]);
      tokens[`special r and s | ${first}, ${second}`] = withSignature(token, both);
    }
  }
  return tokens;
}

/** Anyone can compute the second signature of a pair: the text of a token is not its identity. */
function twinIsTheSameToken(suite: AttackSuite, by: Forge): void {
  suite.accepted(6, by, { tokens: { "n-s in place of s": twinOf(forge(by), by.alg) } });
  suite.row(6, "verifyAccessToken gives the same claims for n-s in place of s", async () => {
    const token = forge(by);
    const twin = twinOf(token, by.alg);
    expect(twin).not.toBe(token);
    const claims = await verify(twin, by);
    expect(claims).toEqual(await verify(token, by));
    expect(claims.jti).toBe(goodClaims().jti);
  });
}

/** RFC 7518 §3.4: r and s concatenated; most other protocols use ASN.1. */
function derSignatures(by: PairForge): Tokens {
  const token = forge(by);
  const input = Buffer.from(token.slice(0, token.lastIndexOf(".")));
  const asn1 = sign(`sha${by.alg.slice(2)}`, input, { key: by.key, dsaEncoding: "der" });
  return { "an ASN.1 signature": withSignature(token, asn1) };
}

const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** RFC 8032 §5.1.7: s must be below the order; otherwise signatures are malleable. */
function edwardsSignatures(by: Forge): Tokens {
  const token = forge(by);
  const r = signatureOf(token).subarray(0, 32);
  const s = toInteger(signatureOf(token).subarray(32).toReversed());
  const neutral = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);
  const tokens: Tokens = {
    "R = the neutral point and s = 0": withSignature(token, Buffer.concat([neutral, Buffer.alloc(32)])),
    "R and s in the wrong order": withSignature(token, Buffer.concat([signatureOf(token).subarray(32), r])),
  };
  for (const factor of [1n, 2n, 3n, 4n, 8n, 15n]) {
    const copy = s + factor * ED25519_ORDER;
    if (copy >= 2n ** 256n) continue;
    tokens[`s and a multiple of the order in place of s | ${factor}`] = withSignature(
      token,
      Buffer.concat([r, integer(copy, 32).toReversed()]),
    );
  }
  return tokens;
}
