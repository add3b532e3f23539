import type { KeyObject, SigningOptions, webcrypto } from "node:crypto";
import { MintmarkError } from "../errors.ts";
import { asciiBytes, nodeCrypto } from "./platform.ts";
import { isSignatureByWebCrypto } from "./web-crypto.ts";

/** The algorithms. `EdDSA` is Ed25519 (RFC 8037); `HS256` only with a shared secret. */
export type Algorithm = "ES256" | "ES384" | "RS256" | "PS256" | "EdDSA" | "HS256";

/**
 * A key and its one algorithm (RFC 8725 §3.1), in the form of this platform. An error in its place: the platform does not
 * support the algorithm.
 */
export type VerificationKey = { kid: string; alg: Algorithm; key: KeyObject | webcrypto.CryptoKey | Error };

type Scheme = {
  digest: string | null;
  options?: SigningOptions;
  /** The type of its keys, and the length of a signature where it depends on the curve. */
  type: string;
  bytes?: number;
};

/** `RSA_PKCS1_PADDING` and `RSA_PKCS1_PSS_PADDING` of `node:crypto`. */
const [PKCS1, PSS] = [1, 6];

/** RFC 7518 §3.3 to §3.5 and RFC 8037 §3.1. An ECDSA signature is its two numbers, each of the size of the curve. */
const SCHEMES: Partial<Record<Algorithm, Scheme>> = {
  ES256: { digest: "sha256", type: "ec", bytes: 64, options: { dsaEncoding: "ieee-p1363" } },
  ES384: { digest: "sha384", type: "ec", bytes: 96, options: { dsaEncoding: "ieee-p1363" } },
  RS256: { digest: "sha256", type: "rsa", options: { padding: PKCS1 } },
  PS256: { digest: "sha256", type: "rsa", options: { padding: PSS, saltLength: 32 } },
  EdDSA: { digest: null, type: "ed25519" },
};

/**
 * Verifies a signature over ASCII text: at once by `node:crypto`, else by WebCrypto. False for a key of another type than its
 * algorithm's. Throws `internal_error` where the platform throws: no input causes that, so the token may be valid.
 */
export function isSignature(
  signature: Uint8Array,
  text: string,
  { alg, key }: VerificationKey,
): boolean | Promise<boolean> {
  try {
    if (key instanceof Error) throw key;
    if ("algorithm" in key) return isSignatureByWebCrypto(signature, asciiBytes(text), { alg, key }).catch(fail);
    return isSignatureByNode(signature, text, { alg, key });
  } catch (cause) {
    return fail(cause);
  }
}

function fail(cause: unknown): never {
  throw new MintmarkError("internal_error", { cause });
}

type NodeKey = { alg: Algorithm; key: KeyObject };

function isSignatureByNode(signature: Uint8Array, text: string, { alg, key }: NodeKey): boolean {
  const { createHmac, createVerify, timingSafeEqual, verify } = nodeCrypto ?? fail(new Error("node:crypto is absent"));
  if (alg === "HS256") {
    if (key.type !== "secret") return false;
    const expected = createHmac("sha256", key).update(text).digest();
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
  const scheme = schemeFor(alg, key);
  if (scheme === undefined) return false;
  const { digest, options, bytes = signature.length } = scheme;
  if (signature.length !== bytes) return false;
  if (digest === null) return verify(null, asciiBytes(text), key, signature);
  // Not `verify` here too: for RSA it takes a tenth longer.
  const verifier = createVerify(digest).update(text);
  return verifier.verify({ key, ...options }, signature);
}

/** `undefined` for a key of another type: the platform would use it with another scheme without an error. */
export function schemeFor(alg: Algorithm, key: KeyObject): Scheme | undefined {
  const scheme = Object.hasOwn(SCHEMES, alg) ? SCHEMES[alg] : undefined;
  return scheme?.type === key.asymmetricKeyType ? scheme : undefined;
}
