import { calculateJwkThumbprint, exportJWK, generateKeyPair as generate, importJWK, type JWK } from "jose";
import { StartError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { parseCompact } from "../token/compact.ts";
import { type SigningKey, signJws, type VerificationKey, verifySignature } from "../token/jws.ts";
import { importPublicJwk, type KeyPairAlgorithm, type PublicJwk } from "./public-jwk.ts";
import { isConsistent, type RsaMembers } from "./rsa.ts";

/** A key pair as it is kept: both halves as JSON text. */
export type StoredKey = {
  /** RFC 7638 thumbprint (SHA-256) of the public key. */
  kid: string;
  alg: KeyPairAlgorithm;
  publicJwk: string;
  privateJwk: string;
  createdAt: Seconds;
};

/** A key pair ready for use. */
export type KeyPair = { signing: SigningKey; verification: VerificationKey; jwk: PublicJwk; createdAt: Seconds };

/** Makes a new key pair. Reads the system's random source. */
export async function generateKeyPair(alg: KeyPairAlgorithm, now: Seconds): Promise<StoredKey> {
  const { publicKey, privateKey } = await generate(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    alg,
    publicJwk: JSON.stringify({ ...jwk, kid, use: "sig", alg }),
    privateJwk: JSON.stringify(await exportJWK(privateKey)),
    createdAt: now,
  };
}

/**
 * Makes a stored key pair ready for use, or throws a {@link StartError}. The private half signs a
 * probe that the published half must verify, and the members of an RSA key must belong together: a
 * damaged one imports and signs without complaint.
 */
export async function loadKeyPair(stored: StoredKey): Promise<KeyPair> {
  try {
    const jwk = JSON.parse(stored.publicJwk);
    const verification = await importPublicJwk(jwk);
    if (verification.kid !== stored.kid || verification.alg !== stored.alg) throw new Error("labels differ");
    if ((await calculateJwkThumbprint(jwk)) !== stored.kid) throw new Error("thumbprint differs");
    const signing = { kid: stored.kid, alg: stored.alg, key: await importPrivateJwk(stored) };
    if (!(await provesItself(signing, verification))) throw new Error("probe failed");
    return { signing, verification, jwk, createdAt: stored.createdAt };
  } catch {
    throw damaged(stored);
  }
}

/** What was thrown may quote the key, so none of it goes on; nor does a name that is not one. */
function damaged({ kid }: StoredKey): StartError {
  const name = /^[A-Za-z0-9_-]{43}$/.test(kid) ? ` ${kid}` : "";
  return new StartError(
    `The signing key${name} in the database is damaged: restore the database from a backup. Nothing was changed`,
  );
}

async function importPrivateJwk({ privateJwk, alg }: StoredKey): Promise<SigningKey["key"]> {
  const jwk: JWK = JSON.parse(privateJwk);
  if (jwk.kty === "RSA" && !isConsistent(jwk as RsaMembers)) throw new Error("members differ");
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw new TypeError("a symmetric key is no private key");
  return key;
}

async function provesItself(signing: SigningKey, verification: VerificationKey): Promise<boolean> {
  const jws = parseCompact(await signJws(Buffer.from("{}"), signing));
  return jws !== undefined && (await verifySignature(jws, verification)) !== undefined;
}
