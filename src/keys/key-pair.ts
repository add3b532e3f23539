import { KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair as generate, importJWK, type JWK } from "jose";
import { StartError } from "../errors.ts";
import { parseCompact } from "../token/compact.ts";
import { verifySignature } from "../token/jws.ts";
import { type SigningKey, signJws } from "../token/sign.ts";
import type { VerificationKey } from "../token/signature.ts";
import { type KeyEncryptionKey, unwrap, wrap } from "./key-wrapping.ts";
import { importPublicJwk, type KeyPairAlgorithm, type PublicJwk } from "./public-jwk.ts";
import { isConsistent, type RsaMembers } from "./rsa.ts";
import type { KeyTimes } from "./succession.ts";

/** A key pair as stored. */
export type StoredKey = KeyTimes & {
  /** RFC 7638 thumbprint (SHA-256) of the public key. */
  kid: string;
  alg: KeyPairAlgorithm;
  /** JSON text, as published. */
  publicJwk: string;
  /** JSON text, encrypted if there is a key-encryption key; empty after revocation. */
  privateJwk: string;
  /** The `kid` of its predecessor. Empty for the first. */
  follows: string;
};

/** The public half of a key, imported. */
export type PublicHalf = { verification: VerificationKey; jwk: PublicJwk };

/** A key pair, imported. */
export type KeyPair = PublicHalf & { signing: SigningKey };

export type NewKey = Pick<StoredKey, "alg" | "createdAt" | "activatesAt" | "follows"> & {
  kek?: KeyEncryptionKey | undefined;
};

/** Generates a key pair. Reads the system's random source. */
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
 * Imports a stored key pair, or throws a {@link StartError}. The private half signs a probe that the public half must verify,
 * and the members of an RSA key must be consistent: a damaged key can be imported and can sign.
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

/** Imports the public half of a stored key. Throws where `kid` or `alg` does not match. */
export async function loadPublicHalf(stored: StoredKey): Promise<PublicHalf> {
  const jwk = JSON.parse(stored.publicJwk);
  const verification = await importPublicJwk(jwk);
  if (verification.kid !== stored.kid || verification.alg !== stored.alg) throw new Error("labels differ");
  if ((await calculateJwkThumbprint(jwk)) !== stored.kid) throw new Error("thumbprint differs");
  return { verification, jwk };
}

/**
 * Re-encrypts the private half of a stored key, from one key-encryption key or none to another. Throws a {@link StartError}
 * for a damaged key: encryption would hide the damage.
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
  if (secret.outcome === "unwrapped") return secret.text;
  if (secret.outcome === "damaged") throw damaged(stored);
  throw new StartError(WRONG_KEK[secret.outcome]);
}

const WRONG_KEK = {
  "other-kek": "MINTMARK_KEK is not the key that the signing keys in the database are encrypted with: set that one",
  "kek-missing":
    "The signing keys in the database are encrypted: set MINTMARK_KEK to the key that they are encrypted with",
  "not-encrypted":
    "The signing keys in the database are not encrypted yet: run  mintmark keys rewrap  once with this MINTMARK_KEK",
} as const;

/** Without the cause, which may quote the key, and without a damaged kid. */
function damaged({ kid }: StoredKey): StartError {
  const label = /^[A-Za-z0-9_-]{43}$/.test(kid) ? ` ${kid}` : "";
  return new StartError(
    `The signing key${label} in the database is damaged: restore the database from a backup. Nothing was changed`,
  );
}

async function importPrivateJwk(secret: string, alg: KeyPairAlgorithm): Promise<SigningKey["key"]> {
  const jwk: JWK = JSON.parse(secret);
  if (jwk.kty === "RSA" && !isConsistent(jwk as RsaMembers)) throw new Error("members differ");
  // Extractable: `KeyObject.from` of a non-extractable key is deprecated (DEP0204).
  const key = await importJWK(jwk, alg, { extractable: true });
  if (key instanceof Uint8Array) throw new TypeError("a symmetric key is not a private key");
  return KeyObject.from(key);
}

async function isConsistentPair(signing: SigningKey, verification: VerificationKey): Promise<boolean> {
  const jws = parseCompact(await signJws("{}", signing));
  return jws !== undefined && (await verifySignature(jws, verification)) !== undefined;
}
