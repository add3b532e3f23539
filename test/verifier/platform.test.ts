import { afterEach, describe, expect, it, vi } from "vitest";
import { StartError } from "../../src/errors.ts";
import { asciiBytes } from "../../src/token/platform.ts";
import { signText } from "../../src/token/sign.ts";
import { isSignature, type VerificationKey } from "../../src/token/signature.ts";
import { importByWebCrypto, importSecretByWebCrypto } from "../../src/token/web-crypto.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { type Forge, openForges, SECRET } from "../support/forge.ts";
import { ISSUER } from "../support/service.ts";

const TEXT = "header.payload";
const forges = await openForges();

afterEach(() => vi.unstubAllGlobals());

async function keyOf({ alg, kid, keyring }: Forge): Promise<VerificationKey> {
  const [jwk] = keyring.jwks.keys;
  const key = jwk === undefined ? importSecretByWebCrypto(asciiBytes(SECRET)) : importByWebCrypto(jwk, alg);
  return { alg, kid, key: await key };
}

describe.each(forges.all.map((by) => [by.alg, by] as const))("a signature of %s, by WebCrypto", (alg, by) => {
  it("is valid for its key and its text only", async () => {
    const key = await keyOf(by);
    const signature = await signText(TEXT, by.keyring.signing);
    expect(await isSignature(signature, TEXT, key)).toBe(true);
    expect(await isSignature(signature, `${TEXT}x`, key)).toBe(false);
    for (const length of [0, 1, signature.length - 1])
      expect(await isSignature(signature.subarray(0, length), TEXT, key)).toBe(false);
    expect(await isSignature(Buffer.concat([signature, Buffer.from("x")]), TEXT, key)).toBe(false);
  });

  it("is not valid for a key of another algorithm", async () => {
    const signature = await signText(TEXT, by.keyring.signing);
    for (const other of forges.all.filter((other) => other.alg !== alg)) {
      const { key } = await keyOf(other);
      // RSA is distinguished by the scheme, which is a part of the key.
      expect(await isSignature(signature, TEXT, { alg, kid: by.kid, key }), other.alg).toBe(false);
    }
    expect(await isSignature(signature, TEXT, { ...(await keyOf(by)), alg: "none" as "ES256" })).toBe(false);
  });
});

it("createVerifier names a platform without WebCrypto", () => {
  for (const crypto of [undefined, {}]) {
    vi.stubGlobal("crypto", crypto);
    const message = "createVerifier: this platform has no crypto.subtle. Browsers have it on pages of https alone";
    expect(() => createVerifier({ issuer: ISSUER, audience: ISSUER })).toThrow(new StartError(message));
  }
});
