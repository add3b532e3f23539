import { calculateJwkThumbprint, type JWK } from "jose";
import { expect, test } from "vitest";
import { StartError } from "../../../src/errors.ts";
import { loadKeyPair, type StoredKey } from "../../../src/keys/key-pair.ts";
import { importPublicJwk, type KeyPairAlgorithm } from "../../../src/keys/public-jwk.ts";
import { parseCompact } from "../../../src/token/compact.ts";
import { verifySignature } from "../../../src/token/jws.ts";
import { keyringOf } from "../../support/forge.ts";
import { failureOf } from "../../support/refusal.ts";
import { NOW } from "../../support/service.ts";
import { describeVectors, listVectors, readJsonVector, readTextVector, readVector } from "../../support/vectors.ts";

type Jwk = JWK & Record<string, unknown>;
type Group = {
  comment: string;
  private: { keys: Jwk[] };
  public?: { keys: Jwk[] };
  tests: { tcId: number; comment: string; jws: string; result: "valid" | "invalid" }[];
};

const TIMES = { createdAt: NOW, activatesAt: NOW, follows: "" };

/** Imports a whole set or nothing. */
function importSet(keys: readonly Jwk[]) {
  return Promise.all(keys.map((jwk) => importPublicJwk(jwk)));
}

/** Whether a token verifies with the keys of a set: import, selection by `kid` and `alg`, signature. */
async function passes(jws: string, keys: readonly Jwk[]): Promise<boolean> {
  const imported = await importSet(keys).catch(() => []);
  const parsed = parseCompact(jws);
  const key = imported.find(
    ({ kid, alg }) => kid === parsed?.protectedHeader.kid && alg === parsed?.protectedHeader.alg,
  );
  return parsed !== undefined && key !== undefined && (await verifySignature(parsed, key)) !== undefined;
}

async function store(published: JWK, secret: JWK): Promise<StoredKey> {
  const kid = await calculateJwkThumbprint(published);
  const halves = { publicJwk: JSON.stringify({ ...published, kid }), privateJwk: JSON.stringify(secret) };
  return { kid, alg: published.alg as KeyPairAlgorithm, ...TIMES, ...halves };
}

export function keyVectors(): void {
  describeVectors("wycheproof", () => {
    const { testGroups } = readJsonVector<{ testGroups: Group[] }>("wycheproof/json_web_key_test.json");
    const verdicts: string[] = [];

    for (const group of testGroups) {
      for (const { tcId, comment, jws, result } of group.tests) {
        // The other valid cases are HMAC: symmetric keys are never imported.
        const expected = tcId === 5;
        verdicts.push(result);
        test(`importPublicJwk and verifySignature ${expected ? "accept" : "refuse"} case ${tcId}, ${group.comment} ${comment}`, async () => {
          expect(await passes(jws, group.public?.keys ?? group.private.keys)).toBe(expected);
          expect(await passes(jws, group.private.keys)).toBe(false);
          // Every other set is refused for its key, before any token.
          if (!expected) await expect(importSet(group.public?.keys ?? group.private.keys)).rejects.toThrow();
        });
      }
    }

    test("importPublicJwk refuses every private or symmetric key of a set", async () => {
      for (const { private: set } of testGroups) await expect(importSet(set.keys)).rejects.toThrow();
    });

    test("importPublicJwk refuses a key with any member of a private key", async () => {
      const rsa = testGroups.find(({ comment }) => comment === "rs256");
      const [published] = rsa?.public?.keys ?? [];
      const [secret] = rsa?.private.keys ?? [];
      await expect(importPublicJwk(published)).resolves.toBeDefined();
      for (const member of ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]) {
        await expect(importPublicJwk({ ...published, [member]: secret?.[member] ?? "AQAB" })).rejects.toThrow();
      }
    });

    test("the cases are unchanged since these tests were written", () => {
      expect(verdicts.filter((verdict) => verdict === "valid")).toHaveLength(5);
      expect(verdicts.filter((verdict) => verdict === "invalid")).toHaveLength(21);
    });
  });

  describeVectors("pyjwt-jwk", () => {
    const labels: Record<string, string> = { "P-256": "ES256", "P-384": "ES384", Ed25519: "EdDSA", RSA: "RS256" };
    const labelled = (jwk: Jwk) => ({
      alg: labels[String(jwk.crv ?? jwk.kty)] ?? "ES256",
      use: "sig",
      ...jwk,
      kid: "kid",
    });

    const known = ["ec_pub_P-256", "ec_pub_P-384", "okp_pub_Ed25519", "rsa_pub"];
    for (const name of known) {
      test(`importPublicJwk accepts ${name} with its labels`, async () => {
        const jwk = readJsonVector<Jwk>(`pyjwt-jwk/jwk_${name}.json`);
        await expect(importPublicJwk(jwk)).rejects.toThrow();
        expect(await importPublicJwk(labelled(jwk))).toMatchObject({ kid: "kid", alg: labelled(jwk).alg });
      });

      test(`loadKeyPair accepts the private half of ${name}`, async () => {
        const secret = readJsonVector<Jwk>(`pyjwt-jwk/jwk_${name.replace("pub", "key")}.json`);
        const stored = await store(labelled(readJsonVector<Jwk>(`pyjwt-jwk/jwk_${name}.json`)), secret);
        const keyring = await keyringOf([stored]);
        expect(keyring.jwks.keys).toHaveLength(1);
      });
    }

    // ES512, ES256K and Ed448 are not supported; private keys are not published.
    const unknown = ["ec_pub_P-521", "ec_pub_secp256k1", "okp_pub_Ed448", "hmac"];
    const secret = [
      "ec_key_P-256",
      "ec_key_P-384",
      "ec_key_P-521",
      "ec_key_secp256k1",
      "okp_key_Ed25519",
      "okp_key_Ed448",
      "rsa_key",
    ];
    for (const name of [...unknown, ...secret]) {
      test(`importPublicJwk refuses ${name} with any label`, async () => {
        const jwk = readJsonVector<Jwk>(`pyjwt-jwk/jwk_${name}.json`);
        for (const alg of ["ES256", "ES384", "RS256", "PS256", "EdDSA", "HS256", "ES512", "ES256K"]) {
          expect(await failureOf(importPublicJwk({ ...labelled(jwk), alg }))).toBeInstanceOf(Error);
        }
      });
    }

    for (const name of ["keyset_only_unknown_alg", "keyset_with_unknown_alg"]) {
      test(`importPublicJwk refuses the encryption keys of ${name}`, async () => {
        const { keys } = readJsonVector<{ keys: Jwk[] }>(`pyjwt-jwk/jwk_${name}.json`);
        for (const { x5c, x5t, "x5t#S256": _, ...jwk } of keys) {
          // Keys with certificates are refused: certificates are not validated.
          expect(x5c ?? x5t).toBeDefined();
          await expect(importPublicJwk({ ...jwk, x5c })).rejects.toThrow();
          const outcome = await importPublicJwk(jwk).then(
            () => "taken",
            () => "refused",
          );
          expect(outcome).toBe(jwk.alg === "RS256" ? "taken" : "refused");
        }
      });
    }

    test("loadKeyPair refuses an empty file for either half", async () => {
      const empty = readTextVector("pyjwt-jwk/jwk_empty.json");
      const halves = { publicJwk: empty, privateJwk: empty };
      const error = await failureOf(loadKeyPair({ kid: "kid", alg: "ES256", ...TIMES, ...halves }));
      expect(error).toBeInstanceOf(StartError);
    });
  });

  describeVectors("JSONTestSuite", () => {
    test("loadKeyPair refuses every file for either half, and quotes nothing of it", async () => {
      const kid = "k".repeat(43);
      for (const name of listVectors("JSONTestSuite/test_parsing")) {
        const text = readVector(`JSONTestSuite/test_parsing/${name}`).toString("latin1");
        const error = await failureOf(loadKeyPair({ kid, alg: "ES256", ...TIMES, publicJwk: text, privateJwk: text }));
        expect(error, name).toBeInstanceOf(StartError);
        expect(error, name).toMatchObject({
          message: `The signing key ${kid} in the database is damaged: restore the database from a backup. Nothing was changed`,
        });
      }
    });
  });
}
