import { KeyObject } from "node:crypto";
import fc from "fast-check";
import { StartError } from "../../../src/errors.ts";
import { loadKeyPair, type StoredKey } from "../../../src/keys/key-pair.ts";
import { importPublicJwk } from "../../../src/keys/public-jwk.ts";
import type { VerificationKey } from "../../../src/token/signature.ts";
import { anyCharacter } from "../../support/any-character.ts";
import type { Random } from "../../support/random.ts";
import { storedKeys } from "../keys.ts";
import { mutate } from "../mutate.ts";
import { type Outcome, parseJson, type Target, Violation } from "../target.ts";

type Jwk = Record<string, unknown>;

const published = storedKeys.map(({ publicJwk }) => JSON.parse(publicJwk) as Jwk);
const secrets = storedKeys.map(({ privateJwk }) => JSON.parse(privateJwk) as Jwk);

const values = fc.oneof(
  fc.constantFrom<unknown>(
    ...["", "AA", "AQAB", "AQAB=", "AAEAAQ", "Aw", null, 1, [], {}, "sig", "enc", "ES256", "RSA", "oct", "P-521"],
    ...["secp256k1"],
  ),
  fc.base64String({ maxLength: 44 }),
  fc.string({ unit: anyCharacter, maxLength: 10 }),
);
const changes = fc.dictionary(
  fc.constantFrom(..."kty crv x y n e alg use kid d k key_ops ext p x5c __proto__".split(" ")),
  values,
  { maxKeys: 2 },
);

/** JWKs for `importPublicJwk`, as JSON text. */
export const jwkTarget: Target<{ json: Buffer }> = {
  structured: fc
    .tuple(fc.constantFrom(...published, ...secrets), fc.constantFrom(...published), changes)
    .map(([jwk, other, change]) => ({
      json: Buffer.from(JSON.stringify({ ...jwk, ...(Object.keys(change).length > 1 && other), ...change })),
    })),

  mutate: ({ json }, random, other) => ({ json: mutate(json, random, other.json) }),

  async examine({ json }): Promise<Outcome> {
    const jwk = parseJson(json);
    const key = await importPublicJwk(jwk).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
      return undefined;
    });
    if (key === undefined) return { what: "refused", isParsed: jwk !== undefined };
    expectSound(key, jwk as Jwk);
    return { what: `imported ${key.alg}`, isParsed: true };
  },
};

const TYPES: Record<string, string> = { ES256: "ec", ES384: "ec", RS256: "rsa", PS256: "rsa", EdDSA: "ed25519" };
const PUBLIC_MEMBERS = "alg crv e kid kty n use x y".split(" ");

/** An imported key is public, of one algorithm, strong, and canonically encoded. */
function expectSound({ alg, kid, key }: VerificationKey, jwk: Jwk): void {
  if (!(key instanceof KeyObject)) throw new Violation("imported a key of another platform");
  const promises: Record<string, boolean> = {
    "is public": key.type === "public" && key.asymmetricKeyType === TYPES[alg],
    "is as it is called": kid === jwk.kid && alg === jwk.alg && /^[\w-]{1,64}$/.test(kid),
    "has public members only": Object.keys(jwk).every((name) => PUBLIC_MEMBERS.includes(name)),
    "is strong": (key.asymmetricKeyDetails?.modulusLength ?? 2048) >= 2048,
    "is what its members spell": Object.entries(key.export({ format: "jwk" })).every(
      ([name, value]) => jwk[name] === value,
    ),
  };
  for (const [promise, isKept] of Object.entries(promises))
    if (!isKept) throw new Violation(`imported a key of which it does not hold that it ${promise}`);
}

/** Stored key pairs for `loadKeyPair`, with a damaged or exchanged half. */
export const pairTarget: Target<StoredKey> = {
  structured: fc
    .tuple(
      fc.constantFrom(...storedKeys),
      fc.constantFrom(...storedKeys),
      fc.constantFrom("none", "publicJwk", "privateJwk", "kid", "alg"),
    )
    .map(([key, other, exchanged]) =>
      exchanged === "none" ? key : { ...key, [exchanged]: other[exchanged as "kid"] },
    ),

  mutate(stored, random: Random, other) {
    const half = random.pick(["publicJwk", "privateJwk"] as const);
    return { ...stored, [half]: mutate(Buffer.from(stored[half]), random, Buffer.from(other[half])).toString() };
  },

  async examine(stored): Promise<Outcome> {
    const isParsed = [stored.publicJwk, stored.privateJwk].every((text) => parseJson(text) !== undefined);
    try {
      const { signing, verification } = await loadKeyPair(stored);
      if (signing.key.type !== "private") throw new Violation("loaded halves of the wrong kind");
      expectSound(verification, JSON.parse(stored.publicJwk));
      return { what: `loaded ${signing.alg}`, isParsed };
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (/[\w-]{16}/.test(error.message.replace(stored.kid, "")) || error.message.includes("\n"))
        throw new Violation("quotes the key");
      return { what: "refused", isParsed };
    }
  },
};
