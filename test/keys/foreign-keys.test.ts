import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { findForeignKey, importForeignKeys } from "../../src/keys/foreign-keys.ts";
import { readJwk } from "../support/damage.ts";
import { openForges, type PairForge } from "../support/forge.ts";

const { es256, es384, rs256, ps256, edDsa, pairs } = await openForges();
const published = ({ stored }: PairForge) => readJwk(stored.publicJwk);
const bare = (forge: PairForge) => {
  const { kid: _kid, use: _use, alg: _alg, ...members } = published(forge);
  return members;
};

const labels = async (...keys: unknown[]) =>
  (await importForeignKeys({ keys }))?.keys.map(({ kid, alg }) => ({ kid, alg }));
const problems = async (...keys: unknown[]) => (await importForeignKeys({ keys }))?.problems;

describe("importForeignKeys", () => {
  it("imports keys of every algorithm", async () => {
    expect(await labels(...pairs.map(published))).toEqual(pairs.map(({ alg, kid }) => ({ alg, kid })));
  });

  it.each([
    ["ES256", es256],
    ["ES384", es384],
    ["RS256", rs256],
    ["RS256", ps256],
    ["EdDSA", edDsa],
  ] as const)("takes a key without alg, use and kid for %s", async (alg, forge) => {
    expect(await labels(bare(forge))).toEqual([{ kid: "", alg }]);
  });

  it("takes the name of RFC 9864 for EdDSA", async () => {
    expect(await labels({ ...published(edDsa), alg: "Ed25519" })).toEqual([{ kid: edDsa.kid, alg: "EdDSA" }]);
  });

  it.each([
    [{ x5c: ["AA=="], x5t: "AA", "x5t#S256": "AA" }],
    [{ key_ops: ["verify"], ext: true }],
    [{ iat: 1, exp: 2, issuer: "https://ci.example" }],
  ])("ignores other members: %j", async (members) => {
    expect(await labels({ ...published(es256), ...members })).toEqual([{ kid: es256.kid, alg: "ES256" }]);
  });

  it.each(["2026-11-28", "key:1", "a/b+c=", "https://ci.example/keys#1", "x".repeat(256)])(
    "accepts the kid %s",
    async (kid) => {
      expect(await labels({ ...published(es256), kid })).toEqual([{ kid, alg: "ES256" }]);
    },
  );

  it.each([
    ["has private members: publish the public key alone", { d: "AA" }],
    ["has private members: publish the public key alone", { k: "AA" }],
    ["is not for signatures", { use: "enc" }],
    ["is not for signatures", { use: null }],
    ["is not for signatures", { key_ops: ["encrypt"] }],
    ["is not for signatures", { key_ops: "verify" }],
    ["has a kid that is not 1 to 256 visible characters", { kid: "a b" }],
    ["has a kid that is not 1 to 256 visible characters", { kid: 1 }],
    ["has a kid that is not 1 to 256 visible characters", { kid: "x".repeat(257) }],
    ["is of an algorithm that is not supported", { alg: "none" }],
    ["is of an algorithm that is not supported", { alg: "HS256" }],
    ["is of an algorithm that is not supported", { alg: "ECDH-ES" }],
    ["is of an algorithm that is not supported", { alg: "RS512" }],
    ["is of an algorithm that is not supported", { alg: undefined, crv: "P-521" }],
    ["is no valid public key", { alg: "RS256" }],
    ["is no valid public key", { alg: "ES384" }],
    ["is no valid public key", { x: "AA" }],
    ["is no valid public key", { y: published(es256).x }],
    ["is no valid public key", { y: undefined }],
    ["is no valid public key", { kty: "OKP" }],
  ])("skips a key that %s: %j", async (problem, changes) => {
    const outcome = await importForeignKeys({ keys: [{ ...published(es256), ...changes }, published(edDsa)] });
    expect(outcome?.problems).toEqual([`keys.0 ${problem}`]);
    expect(outcome?.keys.map(({ kid }) => kid)).toEqual([edDsa.kid]);
  });

  it("skips a symmetric key and a short RSA key", async () => {
    expect(await problems({ kty: "oct", k: "c2VjcmV0" })).toHaveLength(1);
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    expect(await problems(publicKey.export({ format: "jwk" }))).toEqual(["keys.0 is no valid public key"]);
  });

  it("imports no key of an empty set", async () => {
    expect(await importForeignKeys({ keys: [] })).toEqual({ keys: [], problems: [] });
  });

  it.each([undefined, null, [], {}, { keys: {} }, { keys: [1] }, { keys: [null] }, { keys: Array(101).fill({}) }])(
    "is undefined for a document that is no JWK Set",
    async (document) => {
      expect(await importForeignKeys(document)).toBeUndefined();
    },
  );
});

describe("findForeignKey", () => {
  it("finds no key where two match", async () => {
    const { keys } = (await importForeignKeys({ keys: [published(es256), published(es256)] })) ?? { keys: [] };
    expect(findForeignKey(keys, { alg: "ES256", kid: es256.kid })).toBe("unknown_key");
  });

  it("distinguishes keys of one kid by their algorithms", async () => {
    const set = [es256, rs256].map((forge) => ({ ...published(forge), kid: "1" }));
    const { keys } = (await importForeignKeys({ keys: set })) ?? { keys: [] };
    expect(findForeignKey(keys, { alg: "RS256", kid: "1" })).toMatchObject({ alg: "RS256", kid: "1" });
    expect(findForeignKey(keys, { alg: "EdDSA", kid: "1" })).toBe("unknown_key");
  });
});
