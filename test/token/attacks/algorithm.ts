import { createSecretKey } from "node:crypto";
import { expect } from "vitest";
import { StartError } from "../../../src/errors.ts";
import { createSecretKeyring } from "../../../src/keys/keyring.ts";
import { importPublicJwk } from "../../../src/keys/public-jwk.ts";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { encode, type Forge, forge, goodClaims, goodHeader, withSignature } from "../../support/forge.ts";
import { failureOf } from "../../support/refusal.ts";

/** Rows 1, 3 and 9: the `alg` of the header, and secrets of word lists. */
export function algorithmAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.all) {
    suite.refused(1, by, { tokens: withoutAlgorithm(by) });
    suite.refused(3, by, { tokens: mislabelled(by, suite) });
    suite.refused(9, by, { tokens: underWeakSecrets(by) });
    suite.accepted(3, by, { tokens: { "the one algorithm that its key is for": forge(by) } });
  }
  weakSecretsAreNoKeys(suite);
}

// CVE-2015-2951. RFC 7518 §3.1: names are case-sensitive.
const NO_ALGORITHM = ["none", "None", "NONE", "nOnE", "none ", "", undefined, null, ["none"], {}, 0, false];

function withoutAlgorithm(by: Forge): Tokens {
  const tokens: Tokens = {
    "a bare alg none": `${encode({ alg: "none" })}.${encode(goodClaims())}.`,
    "a bare alg none without the last dot": `${encode({ alg: "none" })}.${encode(goodClaims())}`,
  };
  for (const alg of [...NO_ALGORITHM, [by.alg], by.alg.toLowerCase(), ` ${by.alg}`, `${by.alg}\0`]) {
    const unsigned = `${encode(goodHeader(by, { alg }))}.${encode(goodClaims())}`;
    const name = `alg ${alg === undefined ? "missing" : JSON.stringify(alg)}`;
    tokens[`${name} | with an empty signature`] = `${unsigned}.`;
    tokens[`${name} | with a leftover signature`] = `${unsigned}.${forge(by).split(".")[2]}`;
    tokens[`${name} | with a good signature`] = forge(by, { header: goodHeader(by, { alg }) });
  }
  return tokens;
}

const RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const ALL_ALGORITHMS = [...RSA_ALGORITHMS, "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "HS256", "HS512"];

/** RFC 8725 §3.1: each key has exactly one algorithm, though it could be used with others. */
function mislabelled(by: Forge, suite: AttackSuite): Tokens {
  const tokens: Tokens = {};
  for (const alg of ALL_ALGORITHMS.filter((alg) => alg !== by.alg)) {
    tokens[`a good signature with the label of another algorithm | ${alg}`] = forge(by, {
      header: goodHeader(by, { alg }),
    });
  }
  for (const alg of alternativesTo(by)) {
    tokens[`a signature by another algorithm that the key is capable of | ${alg}`] = forge(by, {
      alg,
      header: goodHeader(by, { alg }),
    });
    tokens[`a signature by another algorithm under the label of the right one | ${alg}`] = forge(by, { alg });
  }
  for (const other of suite.forges.all.filter((other) => other.alg !== by.alg)) {
    tokens[`a signature by the key of another algorithm | ${other.alg}`] = forge(other, {
      header: goodHeader({ alg: other.alg, kid: by.kid }),
    });
    tokens[`a signature by the key of another algorithm under the label of the right one | ${other.alg}`] = forge(
      other,
      { header: goodHeader(by) },
    );
  }
  return tokens;
}

/** The other algorithms that the same key can sign with. */
function alternativesTo({ alg, key }: Forge): string[] {
  const capable: Record<string, string[]> = { rsa: RSA_ALGORITHMS, ec: ["ES256", "ES384", "ES512"] };
  const hmac = ["HS256", "HS384", "HS512"];
  return (capable[key.asymmetricKeyType ?? ""] ?? (key.type === "secret" ? hmac : [])).filter((name) => name !== alg);
}

// The first entries of word lists for hashcat mode 16500, and empty keys (CVE-2019-20933, CVE-2026-44351).
const WEAK_SECRETS = [
  ...["", "\0", "secret", "password", "changeme", "your-256-bit-secret", "123456", "jwt", "key", "test"],
];

function underWeakSecrets(by: Forge): Tokens {
  const header = goodHeader({ alg: "HS256", kid: by.kid });
  const zeros = createSecretKey(Buffer.alloc(32));
  const tokens: Tokens = { "a MAC under 32 zero bytes": forge(by, { alg: "HS256", key: zeros, header }) };
  for (const secret of WEAK_SECRETS) {
    const key = createSecretKey(secret, "utf8");
    tokens[`a MAC under the secret ${JSON.stringify(secret)}`] = forge(by, { alg: "HS256", key, header });
  }
  tokens["a signature that is a MAC of nothing"] = withSignature(forge(by), Buffer.alloc(32));
  return tokens;
}

function weakSecretsAreNoKeys(suite: AttackSuite): void {
  for (const secret of WEAK_SECRETS) {
    suite.row(9, `createSecretKeyring refuses the secret ${JSON.stringify(secret)}`, () => {
      expect(() => createSecretKeyring(secret)).toThrow(StartError);
    });
  }
  for (const alg of ["HS256", "HS512", "ES256", undefined]) {
    suite.row(9, `importPublicJwk refuses a symmetric key for ${alg ?? "no algorithm"}`, async () => {
      const jwk = { kty: "oct", k: encode(Buffer.alloc(64, 7)), use: "sig", kid: "symmetric", alg };
      expect(await failureOf(importPublicJwk(jwk))).toBeInstanceOf(Error);
    });
  }
}
