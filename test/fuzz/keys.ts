import { createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import type { StoredKey } from "../../src/keys/key-pair.ts";
import { createSecretKeyring } from "../../src/keys/keyring.ts";
import { importPublicJwk, type KeyPairAlgorithm } from "../../src/keys/public-jwk.ts";
import type { Algorithm, SigningKey, VerificationKey } from "../../src/token/signature.ts";
import kept from "./keys.json" with { type: "json" };

/** A key that the fuzzer signs with. All of them are known to everybody, so that a finding is the same on any machine. */
export type FuzzKey = { alg: Algorithm; kid: string; signing: SigningKey; verification: VerificationKey };

/** One key pair for each algorithm, as the store would keep it. */
export const storedKeys: readonly StoredKey[] = kept.map(({ alg, kid, publicJwk, privateJwk }) => ({
  alg: alg as KeyPairAlgorithm,
  kid,
  publicJwk: JSON.stringify(publicJwk),
  privateJwk: JSON.stringify(privateJwk),
  createdAt: 1,
  activatesAt: 1,
  follows: "",
}));

const pairs = await Promise.all(storedKeys.map(openPair));
const secret = createSecretKeyring("0123456789abcdef0123456789ABCDEF").signing;

/** Those key pairs, and a shared secret. */
export const keys: readonly FuzzKey[] = [
  ...pairs,
  {
    alg: "HS256",
    kid: secret.kid,
    signing: secret,
    verification: { ...secret, key: createSecretKey(secret.key.export()) },
  },
];

export const keyOf = (alg: Algorithm): FuzzKey => {
  const key = keys.find((key) => key.alg === alg);
  if (key === undefined) throw new RangeError(`There is no key for ${alg}`);
  return key;
};

async function openPair({ alg, kid, publicJwk, privateJwk }: StoredKey): Promise<FuzzKey> {
  const key: KeyObject = createPrivateKey({ key: JSON.parse(privateJwk), format: "jwk" });
  return { alg, kid, signing: { alg, kid, key }, verification: await importPublicJwk(JSON.parse(publicJwk)) };
}
