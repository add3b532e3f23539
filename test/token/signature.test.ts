import { generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { signText } from "../../src/token/sign.ts";
import { type Algorithm, isSignature } from "../../src/token/signature.ts";
import { type Forges, openForges } from "../support/forge.ts";

const TEXT = "header.payload";

let forges: Forges;
beforeAll(async () => {
  forges = await openForges();
});

describe("a signature", () => {
  it("is valid for its key and its text only", async () => {
    for (const { keyring } of forges.all) {
      const { signing } = keyring;
      const verification = keyring.lookup(signing.kid);
      if (verification === undefined) throw new Error("the key is missing");
      const signature = await signText(TEXT, signing);
      expect(isSignature(signature, TEXT, verification), signing.alg).toBe(true);
      expect(isSignature(signature, `${TEXT}x`, verification), signing.alg).toBe(false);
      for (const length of [0, 1, signature.length - 1])
        expect(isSignature(signature.subarray(0, length), TEXT, verification), signing.alg).toBe(false);
      expect(isSignature(Buffer.concat([signature, Buffer.from("x")]), TEXT, verification), signing.alg).toBe(false);
    }
  });

  // node:crypto makes a valid signature with each of these keys.
  it.each<[Algorithm, string, () => { publicKey: KeyObject; signature: Buffer }]>([
    ["ES256", "a P-384 key", () => signedBy(generateKeyPairSync("ec", { namedCurve: "P-384" }))],
    ["ES384", "a P-256 key", () => signedBy(generateKeyPairSync("ec", { namedCurve: "P-256" }), "sha384")],
    ["ES256", "a P-521 key", () => signedBy(generateKeyPairSync("ec", { namedCurve: "secp521r1" }))],
    ["RS256", "an EC key", () => signedBy(generateKeyPairSync("ec", { namedCurve: "P-256" }))],
    ["EdDSA", "an Ed448 key", () => signedBy(generateKeyPairSync("ed448"), null)],
    ["ES256", "an Ed25519 key", () => signedBy(generateKeyPairSync("ed25519"), null)],
    ["PS256", "a key for RSA-PSS alone", () => signedBy(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }))],
  ])("of %s is not valid with %s", (alg, _, make) => {
    const { publicKey, signature } = make();
    expect(isSignature(signature, TEXT, { kid: "kid", alg, key: publicKey })).toBe(false);
  });

  it("of HS256 with a public key is not valid, without a call of the platform", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(isSignature(Buffer.alloc(32), TEXT, { kid: "kid", alg: "HS256", key: publicKey })).toBe(false);
  });

  it("causes internal_error, not invalid_token, where the platform fails", () => {
    const broken = (fields: object) => ({ kid: "kid", key: { ...fields } as KeyObject });
    for (const [alg, key] of [
      ["ES256", broken({ asymmetricKeyType: "ec" })],
      ["RS256", broken({ asymmetricKeyType: "rsa" })],
      ["EdDSA", broken({ asymmetricKeyType: "ed25519" })],
      ["HS256", broken({ type: "secret" })],
    ] as const) {
      const check = () => isSignature(Buffer.alloc(64), TEXT, { ...key, alg });
      expect(check, alg).toThrow(expect.objectContaining({ reason: "internal_error", cause: expect.any(Error) }));
    }
  });

  it("of any length and bytes causes no exception", () => {
    for (const { keyring } of forges.all) {
      const verification = keyring.lookup(keyring.signing.kid);
      if (verification === undefined) throw new Error("the key is missing");
      for (let length = 0; length <= 600; length += 1)
        for (const fill of [0, 1, 0x7f, 0xff])
          expect(isSignature(Buffer.alloc(length, fill), TEXT, verification)).toBe(false);
    }
  });

  it("of an unsupported algorithm is not valid", () => {
    const { publicKey, signature } = signedBy(generateKeyPairSync("rsa", { modulusLength: 2048 }), "sha512");
    for (const alg of ["RS512", "none", "constructor", "__proto__", ""])
      expect(isSignature(signature, TEXT, { kid: "kid", alg: alg as Algorithm, key: publicKey }), alg).toBe(false);
  });
});

function signedBy(
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  digest: string | null = "sha256",
) {
  const dsaEncoding = "ieee-p1363" as const;
  const signature = sign(digest, Buffer.from(TEXT), { key: privateKey, dsaEncoding });
  expect(verify(digest, Buffer.from(TEXT), { key: publicKey, dsaEncoding }, signature)).toBe(true);
  return { publicKey, signature };
}
