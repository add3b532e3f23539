import { createHmac, createSecretKey } from "node:crypto";
import { StartError } from "../errors.ts";
import type { Algorithm, KeyLookup, SigningKey } from "../token/jws.ts";
import type { KeyPair } from "./key-pair.ts";
import type { PublicJwk } from "./public-jwk.ts";

const MIN_SECRET_BYTES = 32;

/** The document at `/.well-known/jwks.json` (RFC 7517 §5). */
export type JwkSet = { keys: PublicJwk[] };

/** The keys in use: the one that signs, and all that are still believed. */
export type Keyring = { signing: SigningKey; lookup: KeyLookup; jwks: JwkSet };

/** Builds a keyring of key pairs. The newest one of the algorithm signs; all of them verify and are published. */
export function createKeyring(pairs: readonly KeyPair[], alg: Algorithm): Keyring {
  const newestFirst = [...pairs].sort((a, b) => b.createdAt - a.createdAt);
  const active = newestFirst.find((pair) => pair.signing.alg === alg);
  if (active === undefined) throw new StartError(`There is no ${alg} key to sign with`);
  const byKid = new Map(pairs.map((pair) => [pair.verification.kid, pair.verification]));
  return {
    signing: active.signing,
    lookup: (kid) => byKid.get(kid),
    jwks: { keys: newestFirst.map((pair) => pair.jwk) },
  };
}

/**
 * Builds a keyring around one shared secret of at least 32 bytes (RFC 7518 §3.2). It knows nothing but
 * HS256, and its JWK Set is empty: whoever can verify can also sign.
 */
export function createSecretKeyring(secret: string): Keyring {
  const bytes = Buffer.byteLength(secret);
  if (bytes < MIN_SECRET_BYTES) {
    throw new StartError(
      `MINTMARK_SECRET has ${bytes} bytes and needs at least ${MIN_SECRET_BYTES}: make one with  node -p "crypto.randomBytes(32).toString('base64url')"`,
    );
  }
  // A keyed hash as the name: stable, different for each secret, and of no use without it.
  const kid = createHmac("sha256", secret).update("mintmark kid").digest("base64url").slice(0, 22);
  const signing: SigningKey = { kid, alg: "HS256", key: createSecretKey(secret, "utf8") };
  return { signing, lookup: (wanted) => (wanted === kid ? signing : undefined), jwks: { keys: [] } };
}
