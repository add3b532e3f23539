import { constants, createHmac, type KeyObject, type SigningOptions, sign, timingSafeEqual, verify } from "node:crypto";
import { MintmarkError } from "../errors.ts";

/** The algorithms. `EdDSA` is Ed25519 (RFC 8037); `HS256` only with a shared secret. */
export type Algorithm = "ES256" | "ES384" | "RS256" | "PS256" | "EdDSA" | "HS256";

/** A key and its one algorithm (RFC 8725 §3.1). */
export type SigningKey = { kid: string; alg: Algorithm; key: KeyObject };
export type VerificationKey = SigningKey;

type Scheme = {
  digest: string | null;
  options?: SigningOptions;
  /** The type of its keys, and the length of a signature where it depends on the curve. */
  type: string;
  bytes?: number;
};

/** RFC 7518 §3.3 to §3.5 and RFC 8037 §3.1. An ECDSA signature is its two numbers, each of the size of the curve. */
const SCHEMES: Partial<Record<Algorithm, Scheme>> = {
  ES256: { digest: "sha256", type: "ec", bytes: 64, options: { dsaEncoding: "ieee-p1363" } },
  ES384: { digest: "sha384", type: "ec", bytes: 96, options: { dsaEncoding: "ieee-p1363" } },
  RS256: { digest: "sha256", type: "rsa", options: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { digest: "sha256", type: "rsa", options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  EdDSA: { digest: null, type: "ed25519" },
};

/** RSA takes a millisecond, and so runs in the thread pool. Elliptic curves take less than the dispatch. */
const SLOW: ReadonlySet<Algorithm> = new Set(["RS256", "PS256"]);

/** Signs ASCII text. */
export async function signText(text: string, { alg, key }: SigningKey): Promise<Buffer> {
  const data = Buffer.from(text, "latin1");
  if (alg === "HS256") return hmac(data, key);
  const scheme = schemeFor(alg, key);
  if (scheme === undefined) throw new TypeError(`${alg} needs a key of another type`);
  const { digest, options } = scheme;
  if (!SLOW.has(alg)) return sign(digest, data, { key, ...options });
  return new Promise((resolve, reject) => {
    sign(digest, data, { key, ...options }, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

/**
 * Verifies a signature over ASCII text. False for a key of another type than its algorithm's. Throws `internal_error` where
 * the platform throws: no input causes that, so the token may be valid.
 */
export function isSignature(signature: Uint8Array, text: string, { alg, key }: VerificationKey): boolean {
  const data = Buffer.from(text, "latin1");
  try {
    if (alg === "HS256") return key.type === "secret" && isEqual(signature, hmac(data, key));
    const scheme = schemeFor(alg, key);
    if (scheme === undefined) return false;
    const { digest, options, bytes = signature.length } = scheme;
    return signature.length === bytes && verify(digest, data, { key, ...options }, signature);
  } catch (cause) {
    throw new MintmarkError("internal_error", { cause });
  }
}

/** `undefined` for a key of another type: the platform would use it with another scheme without an error. */
function schemeFor(alg: Algorithm, key: KeyObject): Scheme | undefined {
  const scheme = Object.hasOwn(SCHEMES, alg) ? SCHEMES[alg] : undefined;
  return scheme?.type === key.asymmetricKeyType ? scheme : undefined;
}

function hmac(data: Buffer, key: KeyObject): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
