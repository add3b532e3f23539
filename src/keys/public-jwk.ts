import * as z from "zod/mini";
import { decodeBase64url, isBase64url, nodeCrypto } from "../token/platform.ts";
import type { Algorithm, VerificationKey } from "../token/signature.ts";
import { importByWebCrypto } from "../token/web-crypto.ts";
import { hasRocaFingerprint, toBigInt } from "./rsa.ts";

/** The algorithms with a key pair: all but HS256. */
export const KEY_PAIR_ALGORITHMS = [
  "ES256",
  "ES384",
  "RS256",
  "PS256",
  "EdDSA",
] as const satisfies readonly Algorithm[];
export type KeyPairAlgorithm = (typeof KEY_PAIR_ALGORITHMS)[number];

/** Canonical base64url: another spelling of a key would have another thumbprint (RFC 7638 §3). */
const base64url = z.string().check(z.refine(isBase64url, "must be canonical base64url"));

/** A number without leading zero bytes (RFC 7518 §2, Base64urlUInt). */
const base64urlUInt = z
  .string()
  .check(z.refine((text) => isBase64url(text) && decodeBase64url(text)[0] !== 0, "must not begin with a zero byte"));

const common = {
  kid: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  use: z.literal("sig"),
};

const ecKey = z.strictObject({
  ...common,
  kty: z.literal("EC"),
  alg: z.enum(["ES256", "ES384"]),
  crv: z.enum(["P-256", "P-384"]),
  x: base64url,
  y: base64url,
});

const edKey = z.strictObject({
  ...common,
  kty: z.literal("OKP"),
  alg: z.literal("EdDSA"),
  crv: z.literal("Ed25519"),
  x: base64url,
});

const rsaKey = z.strictObject({
  ...common,
  kty: z.literal("RSA"),
  alg: z.enum(["RS256", "PS256"]),
  n: base64urlUInt,
  e: z.literal("AQAB", "must be 65537"),
});

const CURVES: Record<string, string> = { ES256: "P-256", ES384: "P-384" };

/** Bytes of a coordinate, leading zeros included (RFC 7518 §6.2.1.2). */
const COORDINATE: Record<string, number> = { "P-256": 32, "P-384": 48 };
const RSA_BITS = { min: 2048, max: 4096 };

/**
 * A public key of the JWK Set (RFC 7517 §4): public members only, with `kid`, `use: "sig"` and its one `alg`.
 */
const publicJwk = z.discriminatedUnion("kty", [ecKey, edKey, rsaKey]).check(({ value, issues }) => {
  const message = validateJwk(value);
  if (message !== undefined) issues.push({ code: "custom", message, input: value, path: [] });
});
export type PublicJwk = z.infer<typeof ecKey> | z.infer<typeof edKey> | z.infer<typeof rsaKey>;

function validateJwk(jwk: PublicJwk): string | undefined {
  if (jwk.kty === "EC" && CURVES[jwk.alg] !== jwk.crv) return `${jwk.alg} needs curve ${CURVES[jwk.alg]}`;
  if (jwk.kty === "EC" && [jwk.x, jwk.y].some((text) => byteLength(text) !== COORDINATE[jwk.crv]))
    return `a coordinate must have ${COORDINATE[jwk.crv]} bytes`;
  if (jwk.kty !== "RSA") return undefined;
  const modulus = toBigInt(jwk.n);
  const bits = modulus.toString(2).length;
  if (bits < RSA_BITS.min || bits > RSA_BITS.max) return `an RSA key must have ${RSA_BITS.min} to ${RSA_BITS.max} bits`;
  // Reachable: a verifier imports the JWK Set of an issuer whose keys this package did not generate.
  return hasRocaFingerprint(modulus) ? "the RSA key is of a generator known to be weak (ROCA)" : undefined;
}

function byteLength(base64url: string): number {
  return Math.floor((base64url.length * 3) / 4);
}

/**
 * Imports a public JWK for verification. Throws unless it is a valid EC, Ed25519 or RSA public key with its `alg`. Symmetric
 * keys are refused: a public key must not become an HMAC secret (RFC 8725 §2.1). Where the platform does not support the
 * algorithm, an error takes the place of the key: its tokens may be valid.
 */
export async function importPublicJwk(jwk: unknown): Promise<VerificationKey> {
  const checked = publicJwk.parse(jwk);
  const { kid, alg } = checked;
  return { kid, alg, key: importByNode(checked) ?? (await importByWebCrypto(checked, alg).catch(unsupported(alg))) };
}

function importByNode(jwk: PublicJwk): VerificationKey["key"] | undefined {
  // There a verification of ES256 takes 563 µs by `node:crypto`, and 357 µs by WebCrypto.
  if (jwk.kty === "EC" && "Deno" in globalThis) return undefined;
  try {
    return nodeCrypto?.createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    // WebCrypto distinguishes an invalid key from an algorithm that is not supported.
    return undefined;
  }
}

function unsupported(alg: Algorithm): (error: unknown) => Error {
  return (cause) => {
    if (!(cause instanceof Error) || cause.name !== "NotSupportedError") throw cause;
    return new Error(`This platform does not support ${alg}: update it, or set the service to ES256`, { cause });
  };
}
