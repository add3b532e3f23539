import { createHmac, type KeyObject, sign } from "node:crypto";
import { ACCESS_TOKEN_TYPE } from "./jws.ts";
import { type Algorithm, schemeFor } from "./signature.ts";

/** A key and its one algorithm (RFC 8725 §3.1). */
export type SigningKey = { kid: string; alg: Algorithm; key: KeyObject };

/** Signs payload bytes as an access token (RFC 7515 §5.1). Not checked: the payload; see `signAccessToken`. */
export async function signJws(payload: Uint8Array, key: SigningKey): Promise<string> {
  const header = JSON.stringify({ alg: key.alg, typ: ACCESS_TOKEN_TYPE, kid: key.kid });
  const signed = `${base64url(Buffer.from(header))}.${base64url(payload)}`;
  return `${signed}.${base64url(await signText(signed, key))}`;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/** RSA takes a millisecond, and so runs in the thread pool. Elliptic curves take less than the dispatch. */
const SLOW: ReadonlySet<Algorithm> = new Set(["RS256", "PS256"]);

/** Signs ASCII text. */
export async function signText(text: string, { alg, key }: SigningKey): Promise<Buffer> {
  const data = Buffer.from(text, "latin1");
  if (alg === "HS256") return createHmac("sha256", key).update(data).digest();
  const scheme = schemeFor(alg, key);
  if (scheme === undefined) throw new TypeError(`${alg} needs a key of another type`);
  const { digest, options } = scheme;
  if (!SLOW.has(alg)) return sign(digest, data, { key, ...options });
  return new Promise((resolve, reject) => {
    sign(digest, data, { key, ...options }, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}
