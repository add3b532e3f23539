import type { webcrypto } from "node:crypto";

type CryptoKey = webcrypto.CryptoKey;

type Scheme = {
  /** For the import of a key. */
  key: { name: string; namedCurve?: string; hash?: string };
  /** For the verification of a signature. */
  signature: { name: string; hash?: string; saltLength?: number };
  /** The length of a signature, where it does not depend on the key. */
  bytes?: number;
};

/** RFC 7518 §3.2 to §3.5 and RFC 8037 §3.1, in the names of WebCrypto. */
const SCHEMES: Record<string, Scheme> = {
  ES256: { key: ecdsa("P-256"), signature: { name: "ECDSA", hash: "SHA-256" }, bytes: 64 },
  ES384: { key: ecdsa("P-384"), signature: { name: "ECDSA", hash: "SHA-384" }, bytes: 96 },
  RS256: { key: rsa("RSASSA-PKCS1-v1_5"), signature: { name: "RSASSA-PKCS1-v1_5" } },
  PS256: { key: rsa("RSA-PSS"), signature: { name: "RSA-PSS", saltLength: 32 } },
  EdDSA: { key: { name: "Ed25519" }, signature: { name: "Ed25519" }, bytes: 64 },
  HS256: { key: { name: "HMAC", hash: "SHA-256" }, signature: { name: "HMAC" }, bytes: 32 },
};

function ecdsa(namedCurve: string) {
  return { name: "ECDSA", namedCurve };
}

function rsa(name: string) {
  return { name, hash: "SHA-256" };
}

/** Verifies a signature by WebCrypto. False for a key of another type than its algorithm's. */
export async function isSignatureByWebCrypto(
  signature: Uint8Array,
  data: Uint8Array,
  { alg, key }: { alg: string; key: CryptoKey },
): Promise<boolean> {
  const scheme = Object.hasOwn(SCHEMES, alg) ? SCHEMES[alg] : undefined;
  if (scheme === undefined || !matches(key.algorithm, scheme.key)) return false;
  if (scheme.bytes !== undefined && signature.length !== scheme.bytes) return false;
  return crypto.subtle.verify(scheme.signature, key, signature, data);
}

function matches(algorithm: webcrypto.KeyAlgorithm & { namedCurve?: string }, { name, namedCurve }: Scheme["key"]) {
  return algorithm.name === name && (namedCurve === undefined || algorithm.namedCurve === namedCurve);
}

/** Imports a public JWK. Rejects with a `NotSupportedError` where the platform does not support the algorithm. */
export async function importByWebCrypto(jwk: object, alg: string): Promise<CryptoKey> {
  const scheme = SCHEMES[alg];
  if (scheme === undefined) throw new TypeError(`${alg} has no public keys`);
  const { kty, crv, x, y, n, e } = jwk as Record<string, string>;
  // Without `alg` and `use`: platforms differ in the names that they accept.
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  return crypto.subtle.importKey("jwk", Object.fromEntries(members), scheme.key, true, ["verify"]);
}

/** Imports an HMAC key that signs and verifies. */
export async function importSecretByWebCrypto(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}
