import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
} from "node:crypto";
import { generateKeyPair, loadKeyPair, type StoredKey } from "../../src/keys/key-pair.ts";
import { createSecretKeyring, keyringAt } from "../../src/keys/keyring.ts";
import type { KeyPairAlgorithm } from "../../src/keys/public-jwk.ts";
import type { Algorithm } from "../../src/token/signature.ts";
import { ISSUER, NOW } from "./service.ts";

type SigningKeyring = ReturnType<typeof createSecretKeyring>;

/** A real keyring, and its private key in the hands of an attacker. */
export type Forge = { alg: Algorithm; kid: string; keyring: SigningKeyring; key: KeyObject };

/** The same with a key pair. */
export type PairForge = Forge & { alg: KeyPairAlgorithm; publicKey: KeyObject; stored: StoredKey };

export type Forges = Awaited<ReturnType<typeof openForges>>;

/** Bytes verbatim, text as UTF-8, and anything else as JSON. */
export type Part = Uint8Array | string | object;

/** As short as an accepted secret may be, and as long as an AES-256 key. */
export const SECRET = "0123456789abcdef0123456789ABCDEF";

const rsaKeys = new Map<string, Promise<StoredKey>>();

/** An RSA key takes as long to generate as many tests: the test files of a process share one for each owner. */
function sharedRsaKey(owner: string, alg: KeyPairAlgorithm): Promise<StoredKey> {
  const key = rsaKeys.get(owner) ?? newKey(alg);
  rsaKeys.set(owner, key);
  return key;
}

async function openIssuerPair(alg: KeyPairAlgorithm): Promise<PairForge> {
  const isRsa = alg === "RS256" || alg === "PS256";
  return openPairForge(alg, isRsa ? await sharedRsaKey(alg, alg) : undefined);
}

/** One forge for each algorithm; by default, each with a key of its own. */
export async function openForges(openPair: (alg: KeyPairAlgorithm) => Promise<PairForge> = openIssuerPair) {
  const [es256, es384, rs256, ps256, edDsa] = await Promise.all([
    openPair("ES256"),
    openPair("ES384"),
    openPair("RS256"),
    openPair("PS256"),
    openPair("EdDSA"),
  ]);
  const hs256 = openSecretForge(SECRET);
  const pairs: PairForge[] = [es256, es384, rs256, ps256, edDsa];
  const all: Forge[] = [...pairs, hs256];
  // For attacks behind the signature, where the algorithm makes no difference: the fast algorithms.
  const fast: Forge[] = [es256, edDsa, hs256];
  return { es256, es384, rs256, ps256, edDsa, hs256, pairs, all, fast };
}

/** Key pairs of an attacker, in the order of `pairs`. One RSA key serves both algorithms, as it is slow to make. */
export async function openStrangers(): Promise<PairForge[]> {
  const [es256, es384, rs256, edDsa] = await Promise.all([
    openPairForge("ES256"),
    openPairForge("ES384"),
    openPairForge("RS256", await sharedRsaKey("stranger", "RS256")),
    openPairForge("EdDSA"),
  ]);
  const publicJwk = JSON.stringify({ ...JSON.parse(rs256.stored.publicJwk), alg: "PS256" });
  const ps256 = await openPairForge("PS256", { ...rs256.stored, alg: "PS256", publicJwk });
  return [es256, es384, rs256, ps256, edDsa];
}

export async function openPairForge(alg: KeyPairAlgorithm, made?: StoredKey): Promise<PairForge> {
  const stored = made ?? (await newKey(alg));
  const keyring = await keyringOf([stored]);
  const key = createPrivateKey({ key: JSON.parse(stored.privateJwk), format: "jwk" });
  return { alg, kid: stored.kid, keyring, key, publicKey: createPublicKey(key), stored };
}

const newKey = (alg: KeyPairAlgorithm) => generateKeyPair({ alg, createdAt: NOW, activatesAt: NOW, follows: "" });

/** The keyring of stored keys. The last activated one signs. */
export async function keyringOf(stored: readonly StoredKey[], now: number = NOW): Promise<SigningKeyring> {
  const loaded = await Promise.all(stored.map(async (key) => ({ stored: key, pair: await loadKeyPair(key) })));
  const { signing, ...keyring } = keyringAt(loaded, { rotation: 86400, maxTtl: 86400 }, now);
  if (signing === undefined) throw new Error("The key that signs was not loaded");
  return { signing, ...keyring };
}

export function openSecretForge(secret: string): Forge {
  const keyring = createSecretKeyring(secret);
  return { alg: "HS256", kid: keyring.signing.kid, keyring, key: createSecretKey(secret, "utf8") };
}

/** The header of the service with changed members; `undefined` removes one. */
export function goodHeader({ alg, kid }: Pick<Forge, "alg" | "kid">, changes: Record<string, unknown> = {}) {
  return { alg, typ: "at+jwt", kid, ...changes };
}

/** An accepted claim set with changed claims; `undefined` removes one. */
export function goodClaims(changes: Record<string, unknown> = {}) {
  const times = { iat: NOW, exp: NOW + 900 };
  return { iss: ISSUER, sub: "ada", aud: ISSUER, ...times, jti: "3q2-7wAAAAAAAAAA", client_id: "local", ...changes };
}

/** An accepted claim set as JSON text, with one claim spelled as given, such as `1e999`. */
export function claimsWith(name: string, json: string): string {
  return spell(goodClaims(), name, json);
}

/** An object as JSON text whose last member is spelled as given. */
export function spell(object: Record<string, unknown>, name: string, json: string): string {
  return `${JSON.stringify({ ...object, [name]: undefined }).slice(0, -1)},"${name}":${json}}`;
}

export function encode(part: Part): string {
  if (part instanceof Uint8Array) return Buffer.from(part).toString("base64url");
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

/** A token of any header and payload; by default a valid one. */
export function forge(by: Forge, parts: { header?: Part; payload?: Part; alg?: string; key?: KeyObject } = {}): string {
  const { header = goodHeader(by), payload = goodClaims(), alg = by.alg, key = by.key } = parts;
  return signSegments({ alg, key }, encode(header), encode(payload));
}

/** A token of any two segments, with a good signature over their spelling. */
export function signSegments(by: { alg: string; key: KeyObject }, header: string, payload: string): string {
  const input = `${header}.${payload}`;
  return `${input}.${encode(signAs(by.alg, by.key, Buffer.from(input)))}`;
}

/** Signs bytes by RFC 7518 §3 and RFC 8037, also with algorithms that Mintmark does not accept. */
export function signAs(alg: string, key: KeyObject, input: Uint8Array): Buffer {
  if (alg === "EdDSA") return sign(null, input, key);
  const hash = `sha${alg.slice(2)}`;
  switch (alg.slice(0, 2)) {
    case "HS":
      return createHmac(hash, key).update(input).digest();
    case "ES":
      return sign(hash, input, { key, dsaEncoding: "ieee-p1363" });
    case "PS":
      return sign(hash, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 });
    default:
      return sign(hash, input, key);
  }
}

/** The same token with another signature. */
export function withSignature(token: string, signature: Uint8Array): string {
  return `${token.slice(0, token.lastIndexOf("."))}.${encode(signature)}`;
}

export function signatureOf(token: string): Buffer {
  return Buffer.from(token.slice(token.lastIndexOf(".") + 1), "base64url");
}

/** A big-endian integer of `length` bytes. */
export function integer(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
}

export function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}
