import { constants, createHmac, type KeyObject, type SigningOptions, sign, timingSafeEqual, verify } from "node:crypto";
import { MintmarkError } from "../errors.ts";

/** What Mintmark signs with. `EdDSA` is Ed25519 (RFC 8037); `HS256` only with a shared secret. */
export type Algorithm = "ES256" | "ES384" | "RS256" | "PS256" | "EdDSA" | "HS256";

/** A key and the one algorithm it may be used with (RFC 8725 §3.1). */
export type SigningKey = { kid: string; alg: Algorithm; key: KeyObject };
export type VerificationKey = SigningKey;

type Scheme = {
  digest: string | null;
  options?: SigningOptions;
  /** The type of its keys, and how long a signature is where that tells the curve. */
  type: string;
  bytes?: number;
};

/** How RFC 7518 §3.3 to §3.5 and RFC 8037 §3.1 sign. ECDSA's two numbers stand side by side, each as long as the curve. */
const SCHEMES: Partial<Record<Algorithm, Scheme>> = {
  ES256: { digest: "sha256", type: "ec", bytes: 64, options: { dsaEncoding: "ieee-p1363" } },
  ES384: { digest: "sha384", type: "ec", bytes: 96, options: { dsaEncoding: "ieee-p1363" } },
  RS256: { digest: "sha256", type: "rsa", options: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { digest: "sha256", type: "rsa", options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  EdDSA: { digest: null, type: "ed25519" },
};

/** To sign by RSA takes a millisecond, which others need not wait for. By a curve it takes less than to go elsewhere. */
const SLOW: ReadonlySet<Algorithm> = new Set(["RS256", "PS256"]);

/** Signs text, which must be ASCII. */
export async function signText(text: string, { alg, key }: SigningKey): Promise<Buffer> {
  const data = Buffer.from(text, "latin1");
  if (alg === "HS256") return hmac(data, key);
  const scheme = schemeFor(alg, key);
  if (scheme === undefined) throw new TypeError(`${alg} needs another key`);
  const { digest, options } = scheme;
  if (!SLOW.has(alg)) return sign(digest, data, { key, ...options });
  return new Promise((resolve, reject) => {
    sign(digest, data, { key, ...options }, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

/**
 * Whether a signature is the key's over a text. A key that does not belong to its algorithm proves nothing. Nothing that
 * comes in can make the platform throw: where it does, that is `internal_error`, for the token may be a good one.
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

/** Nothing where a key is not of the type that its algorithm needs: it would be used in another way without a word. */
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
