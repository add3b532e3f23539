import { constants, createHmac, type SignKeyObjectInput, sign } from "node:crypto";
import type { FuzzKey } from "./keys.ts";

/** Signs any two segments as RFC 7518 §3 and RFC 8037 say, however they are spelled. */
export function signSegments(header: string, payload: string, by: FuzzKey): string {
  const text = `${header}.${payload}`;
  return `${text}.${signature(Buffer.from(text), by).toString("base64url")}`;
}

function signature(data: Buffer, { alg, signing: { key } }: FuzzKey): Buffer {
  if (alg === "HS256") return createHmac("sha256", key).update(data).digest();
  if (alg === "EdDSA") return sign(null, data, key);
  return sign(`sha${alg.slice(2)}`, data, inputOf(alg, key));
}

function inputOf(alg: string, key: FuzzKey["signing"]["key"]): SignKeyObjectInput {
  if (alg.startsWith("ES")) return { key, dsaEncoding: "ieee-p1363" };
  return alg === "PS256" ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : { key };
}

/** The order of P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other signature of the same ES256 token: anybody can put n - s for s, and it is as good (see RFC 8725 on why tokens are known by `jti`). */
export function twinOf(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  const bytes = Buffer.from(token.slice(at), "base64url");
  if (bytes.length !== 64) return token;
  const s = BigInt(`0x${bytes.toString("hex", 32)}`);
  const other = (((ORDER - s) % ORDER) + ORDER) % ORDER;
  bytes.write(other.toString(16).padStart(64, "0"), 32, "hex");
  return token.slice(0, at) + bytes.toString("base64url");
}
