import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { importPublicJwk } from "../../src/keys/public-jwk.ts";
import { flipBit, readJwk } from "../support/damage.ts";
import { encode, integer, openForges, toInteger } from "../support/forge.ts";
import { failureOf } from "../support/refusal.ts";
import { keyVectors } from "./public-jwk/vectors.ts";

const { es256, es384, rs256, edDsa, pairs } = await openForges();

const published = (forge: { stored: { publicJwk: string } }) => readJwk(forge.stored.publicJwk);

const bytesOf = (text = "") => Buffer.from(text, "base64url");

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The same bytes with an unused bit set, if their number is not a multiple of three. */
function withStrayBits(text: string): string[] {
  return text.length % 4 === 0 ? [] : [text.replace(/.$/, (last) => ALPHABET.charAt(ALPHABET.indexOf(last) ^ 1))];
}

async function expectNoKey(...candidates: readonly unknown[]): Promise<void> {
  for (const candidate of candidates) expect(await failureOf(importPublicJwk(candidate))).toBeInstanceOf(Error);
}

describe("a public key", () => {
  for (const by of pairs) {
    const jwk = published(by);

    test(`importPublicJwk accepts a published key for ${by.alg} with its kid and algorithm`, async () => {
      expect(await importPublicJwk(jwk)).toMatchObject({ kid: by.kid, alg: by.alg });
    });

    for (const member of Object.keys(jwk)) {
      test(`importPublicJwk refuses a key for ${by.alg} without its ${member}, or with one of another type`, async () => {
        await expectNoKey(...[undefined, null, 1, {}, [jwk[member]], ""].map((value) => ({ ...jwk, [member]: value })));
      });
    }

    test(`importPublicJwk refuses a key for ${by.alg} with a member that no public key has`, async () => {
      const members = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5c", "x5u", "x5t", "key_ops", "ext", "iat", ""];
      await expectNoKey(...members.map((member) => ({ ...jwk, [member]: "AQAB" })));
    });

    test(`importPublicJwk refuses a key for ${by.alg} with an invalid kid`, async () => {
      const kids = ["a b", "../x", "a.b", "a/b", "a\n", "é", "a".repeat(65), "bilbo@example.com"];
      await expectNoKey(...kids.map((kid) => ({ ...jwk, kid })));
    });

    test(`importPublicJwk refuses a key for ${by.alg} whose numbers are not in canonical encoding`, async () => {
      const numbers = ["n", "x", "y"].filter((member) => member in jwk);
      const spellings = (text: string) => [`${text}=`, `${text} `, `${text}\n`, `${text}+`, ...withStrayBits(text)];
      await expectNoKey(
        ...numbers.flatMap((member) => spellings(jwk[member] ?? "").map((text) => ({ ...jwk, [member]: text }))),
        ...numbers.map((member) => ({
          ...jwk,
          [member]: encode(Buffer.concat([Buffer.alloc(3), bytesOf(jwk[member])])),
        })),
      );
    });

    test(`importPublicJwk refuses a key for ${by.alg} in any form but a JWK`, async () => {
      await expectNoKey(by.stored.publicJwk, [jwk], { keys: [jwk] }, by.publicKey, null, undefined, "", {});
      await expectNoKey(by.publicKey.export({ type: "spki", format: "pem" }).toString());
    });
  }
});

describe("an elliptic curve key", () => {
  for (const by of [es256, es384]) {
    test(`importPublicJwk refuses a point off the curve of ${by.alg} (invalid curve attack)`, async () => {
      const jwk = published(by);
      await expectNoKey({ ...jwk, x: flipBit(jwk.x ?? "", 9) }, { ...jwk, y: flipBit(jwk.y ?? "", 9) });
      await expectNoKey(
        { ...jwk, x: encode(Buffer.alloc(32)), y: encode(Buffer.alloc(32)) },
        { ...jwk, x: jwk.y, y: jwk.x },
      );
    });
  }

  test("importPublicJwk refuses the curve of another algorithm", async () => {
    await expectNoKey({ ...published(es256), alg: "ES384" }, { ...published(es256), crv: "P-384" });
    await expectNoKey({ ...published(es384), alg: "ES256" }, { ...published(es384), crv: "P-256" });
    for (const crv of ["P-521", "secp256k1", "Ed25519", "p-256"]) await expectNoKey({ ...published(es256), crv });
    for (const crv of ["Ed448", "X25519", "P-256"]) await expectNoKey({ ...published(edDsa), crv });
  });
});

describe("an RSA key", () => {
  const jwk = published(rs256);
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const product = (bits: number) =>
    encode(integer((1n << BigInt(bits - 1)) | toInteger(randomBytes(32)) | 1n, bits / 8));

  test("importPublicJwk refuses fewer than 2048 bits (RFC 7518 §3.3) and more than 4096, which are slow to verify", async () => {
    const { n } = publicKey.export({ format: "jwk" });
    await expectNoKey(
      { ...jwk, n },
      { ...jwk, n: product(2040) },
      { ...jwk, n: product(4104) },
      { ...jwk, n: product(16384) },
    );
    await expect(importPublicJwk({ ...jwk, n: product(2048) })).resolves.toBeDefined();
    await expect(importPublicJwk({ ...jwk, n: product(4096) })).resolves.toBeDefined();
  });

  test("importPublicJwk refuses a small modulus with leading zeros", async () => {
    const small = Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url");
    await expectNoKey({ ...jwk, n: encode(Buffer.concat([Buffer.alloc(128), small])) });
  });

  // With e = 1 every message is its own signature.
  test("importPublicJwk refuses every exponent but 65537", async () => {
    await expectNoKey(
      ...["AQ", "Aw", "Ag", "AA", "AAEAAQ", "AQAC", "AQABAA", "AQAB=", " AQAB"].map((e) => ({ ...jwk, e })),
    );
  });

  // CVE-2017-15361: a power of 65537 modulo each small prime, as this power of it is.
  test("importPublicJwk refuses a modulus with the ROCA fingerprint", async () => {
    const power = encode(integer(65537n ** 128n, 257));
    await expectNoKey({ ...jwk, n: power });
    // An adjacent number is no such power and is accepted.
    await expect(importPublicJwk({ ...jwk, n: encode(integer(65537n ** 128n + 2n, 257)) })).resolves.toBeDefined();
  });
});

keyVectors();
