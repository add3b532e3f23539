import type { StoredKey } from "../../src/keys/key-pair.ts";
import type { KeyPairAlgorithm } from "../../src/keys/public-jwk.ts";
import type { VerificationKey } from "../../src/token/signature.ts";
import { type Forge, openPairForge, openSecretForge, type PairForge, SECRET } from "../support/forge.ts";
import kept from "./keys.json" with { type: "json" };

/** One key pair for each algorithm, as the store holds it. They are public, so that a finding is the same on any machine. */
export const storedKeys: readonly StoredKey[] = kept.map(({ alg, kid, publicJwk, privateJwk }) => ({
  alg: alg as KeyPairAlgorithm,
  kid,
  publicJwk: JSON.stringify(publicJwk),
  privateJwk: JSON.stringify(privateJwk),
  createdAt: 1,
  activatesAt: 1,
  follows: "",
}));

const pairs = await Promise.all(storedKeys.map((stored) => openPairForge(stored.alg, stored)));

/** Those key pairs and a shared secret, as the fuzzer signs with them. */
export const keys: readonly Forge[] = [...pairs, openSecretForge(SECRET)];

const byKid = new Map(keys.map(({ kid, keyring }) => [kid, keyring.lookup(kid)]));

export const lookup = (kid: string): VerificationKey | undefined => byKid.get(kid);

export const keyOf = (alg: KeyPairAlgorithm): PairForge => {
  const key = pairs.find((pair) => pair.alg === alg);
  if (key === undefined) throw new RangeError(`There is no key for ${alg}`);
  return key;
};
