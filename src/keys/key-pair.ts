import { KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair as generate, importJWK, type JWK } from "jose";
import { StartError } from "../errors.ts";
import { parseCompact } from "../token/compact.ts";
import { signJws, verifySignature } from "../token/jws.ts";
import type { SigningKey, VerificationKey } from "../token/signature.ts";
import { type KeyEncryptionKey, unwrap, wrap } from "./key-wrapping.ts";
import { importPublicJwk, type KeyPairAlgorithm, type PublicJwk } from "./public-jwk.ts";
import { isConsistent, type RsaMembers } from "./rsa.ts";
import type { KeyTimes } from "./succession.ts";

/** A key pair as it is kept. */
export type StoredKey = KeyTimes & {
  /** RFC 7638 thumbprint (SHA-256) of the public key. */
  kid: string;
  alg: KeyPairAlgorithm;
  /** JSON text, as it is published. */
  publicJwk: string;
  /** JSON text, sealed where there is a key-encryption key; empty once the key was killed. */
  privateJwk: string;
  /** The `kid` of the key it comes after. Empty for the first. */
  follows: string;
};

/** What is public of a key, ready for use. */
export type PublicHalf = { verification: VerificationKey; jwk: PublicJwk };

/** A key pair ready for use. */
export type KeyPair = PublicHalf & { signing: SigningKey };

export type NewKey = Pick<StoredKey, "alg" | "createdAt" | "activatesAt" | "follows"> & {
  kek?: KeyEncryptionKey | undefined;
};

/** Makes a new key pair. Reads the system's random source. */
export async function generateKeyPair({ kek, ...rest }: NewKey): Promise<StoredKey> {
  const { publicKey, privateKey } = await generate(rest.alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const secret = JSON.stringify(await exportJWK(privateKey));
  return {
    ...rest,
    kid,
    publicJwk: JSON.stringify({ ...jwk, kid, use: "sig", alg: rest.alg }),
    privateJwk: kek === undefined ? secret : wrap(secret, kid, kek),
  };
}

/**
 * Makes a stored key pair ready for use, or throws a {@link StartError}. The private half signs a
 * probe that the published half must verify, and the members of an RSA key must belong together: a
 * damaged one imports and signs without complaint.
 */
export async function loadKeyPair(stored: StoredKey, kek?: KeyEncryptionKey): Promise<KeyPair> {
  const secret = unwrapKey(stored, kek);
  try {
    const half = await loadPublicHalf(stored);
    const signing = { kid: stored.kid, alg: stored.alg, key: await importPrivateJwk(secret, stored.alg) };
    if (!(await isConsistentPair(signing, half.verification))) throw new Error("probe failed");
    return { signing, ...half };
  } catch {
    throw damaged(stored);
  }
}

/** Makes the public half of a stored key ready for use. Throws where it is not what its name says. */
export async function loadPublicHalf(stored: StoredKey): Promise<PublicHalf> {
  const jwk = JSON.parse(stored.publicJwk);
  const verification = await importPublicJwk(jwk);
  if (verification.kid !== stored.kid || verification.alg !== stored.alg) throw new Error("labels differ");
  if ((await calculateJwkThumbprint(jwk)) !== stored.kid) throw new Error("thumbprint differs");
  return { verification, jwk };
}

/**
 * Seals a stored key's private half anew: from one key-encryption key, or none, to another. Throws a
 * {@link StartError} for what is no key: sealed, damage would look sound.
 */
export async function rewrapKey(
  stored: StoredKey,
  from: KeyEncryptionKey | undefined,
  to: KeyEncryptionKey,
): Promise<StoredKey> {
  await loadKeyPair(stored, from);
  return { ...stored, privateJwk: wrap(unwrapKey(stored, from), stored.kid, to) };
}

function unwrapKey(stored: StoredKey, kek: KeyEncryptionKey | undefined): string {
  const secret = unwrap(stored.privateJwk, stored.kid, kek);
  if (secret.outcome === "unsealed") return secret.text;
  if (secret.outcome === "damaged") throw damaged(stored);
  throw new StartError(WRONG_KEK[secret.outcome]);
}

const WRONG_KEK = {
  "other-kek": "MINTMARK_KEK is not the key that the signing keys in the database were encrypted with: set that one",
  "kek-missing":
    "The signing keys in the database are encrypted: set MINTMARK_KEK to the key that they were encrypted with",
  "not-sealed":
    "The signing keys in the database are not encrypted yet: run  mintmark keys rewrap  once with this MINTMARK_KEK",
} as const;

/** What was thrown may quote the key, so none of it goes on; nor does a name that is not one. */
function damaged({ kid }: StoredKey): StartError {
  const name = /^[A-Za-z0-9_-]{43}$/.test(kid) ? ` ${kid}` : "";
  return new StartError(
    `The signing key${name} in the database is damaged: restore the database from a backup. Nothing was changed`,
  );
}

async function importPrivateJwk(secret: string, alg: KeyPairAlgorithm): Promise<SigningKey["key"]> {
  const jwk: JWK = JSON.parse(secret);
  if (jwk.kty === "RSA" && !isConsistent(jwk as RsaMembers)) throw new Error("members differ");
  // What is taken out of it at once need not be kept in: Node means to give up doing so (DEP0204).
  const key = await importJWK(jwk, alg, { extractable: true });
  if (key instanceof Uint8Array) throw new TypeError("a symmetric key is no private key");
  return KeyObject.from(key);
}

async function isConsistentPair(signing: SigningKey, verification: VerificationKey): Promise<boolean> {
  const jws = parseCompact(await signJws(Buffer.from("{}"), signing));
  return jws !== undefined && verifySignature(jws, verification) !== undefined;
}
