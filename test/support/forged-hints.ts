import { createSecretKey } from "node:crypto";
import { encode, type Forge, forge, goodHeader, type PairForge, withSignature } from "./forge.ts";

/** The header and the claims of an `id_token` with changed members; `undefined` removes one. */
export const hintHeader = (by: Pick<Forge, "alg" | "kid">, changes: Record<string, unknown> = {}) =>
  goodHeader(by, { typ: "JWT", ...changes });

export type HintClaims = { iss: string; aud: string; sub: string; sid: string; iat: number; exp: number };

/** An `id_token` by our key. */
export function hintOf(by: Forge, claims: HintClaims): string {
  return forge(by, { header: hintHeader(by), payload: claims });
}

/** All that is no `id_token` of this issuer, by name. `by` is the key of the issuer, `stranger` one of an attacker. */
export function forgedHints(by: PairForge, stranger: PairForge, claims: HintClaims): Record<string, string> {
  const valid = hintOf(by, claims);
  const [header = "", payload = "", signature = ""] = valid.split(".");
  const spelled = (changes: Record<string, unknown>) => forge(by, { header: hintHeader(by, changes), payload: claims });
  const claiming = (changes: Record<string, unknown>) =>
    forge(by, { header: hintHeader(by), payload: { ...claims, ...changes } });
  const pem = by.publicKey.export({ type: "spki", format: "pem" }).toString();
  const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
  return {
    "an access token": spelled({ typ: "at+jwt" }),
    "an access token by its full type": spelled({ typ: "application/at+jwt" }),
    "a logout token": forge(by, { header: hintHeader(by, { typ: "logout+jwt" }), payload: { ...claims, events } }),
    "a signed introspection": spelled({ typ: "token-introspection+jwt" }),
    "a client assertion": spelled({ typ: "client-authentication+jwt" }),
    "no type": spelled({ typ: undefined }),
    "a type that is no text": spelled({ typ: ["JWT"] }),
    "another spelling of the type": spelled({ typ: "application/jwt" }),
    "alg none without a signature": `${encode({ alg: "none", typ: "JWT", kid: by.kid })}.${payload}.`,
    "alg none with a signature": `${encode({ alg: "none", typ: "JWT", kid: by.kid })}.${payload}.${signature}`,
    "alg None": `${encode({ alg: "None", typ: "JWT", kid: by.kid })}.${payload}.${signature}`,
    "a signature by HMAC with the public key": forge(by, {
      header: hintHeader({ alg: "HS256", kid: by.kid }),
      payload: claims,
      alg: "HS256",
      key: createSecretKey(pem, "utf8"),
    }),
    "another algorithm than that of the key": spelled({ alg: by.alg === "EdDSA" ? "ES256" : "EdDSA" }),
    "a signature by a stranger under our kid": forge(by, {
      header: hintHeader(by),
      payload: claims,
      alg: stranger.alg,
      key: stranger.key,
    }),
    "a signature by a stranger under their kid": hintOf(stranger, claims),
    "a stranger's key in the header": forge(stranger, {
      header: hintHeader(stranger, { jwk: JSON.parse(stranger.stored.publicJwk) }),
      payload: claims,
    }),
    "no kid": spelled({ kid: undefined }),
    "a critical extension": spelled({ crit: ["exp"] }),
    "an unencoded payload": spelled({ b64: false, crit: ["b64"] }),
    "an empty signature": withSignature(valid, new Uint8Array()),
    "a signature of zeros": withSignature(valid, new Uint8Array(64)),
    "a signature with a byte more": withSignature(
      valid,
      Buffer.concat([Buffer.from(signature, "base64url"), Buffer.of(0)]),
    ),
    "another payload under the signature": `${header}.${encode({ ...claims, sid: "another" })}.${signature}`,
    "another issuer": claiming({ iss: `${claims.iss}/` }),
    "no issuer": claiming({ iss: undefined }),
    "a list of issuers": claiming({ iss: [claims.iss] }),
    "no audience": claiming({ aud: undefined }),
    "a list of audiences": claiming({ aud: [claims.aud, "another"] }),
    "an audience that is no text": claiming({ aud: 1 }),
    "no session": claiming({ sid: undefined }),
    "an empty session": claiming({ sid: "" }),
    "a session that is no text": claiming({ sid: { $ne: "" } }),
    "no subject": claiming({ sub: undefined }),
    "a repeated claim": forge(by, {
      header: hintHeader(by),
      payload: `{"sid":"another",${JSON.stringify(claims).slice(1)}`,
    }),
    "JSON with a prototype": forge(by, {
      header: hintHeader(by),
      payload: `{"__proto__":{},${JSON.stringify(claims).slice(1)}`,
    }),
    "a payload that is no JSON": forge(by, { header: hintHeader(by), payload: "sid" }),
    padding: `${valid}=`,
    "a space": `${valid} `,
    "a part more": `${valid}.${signature}`,
    "a part less": `${header}.${payload}`,
    "a token in a token": forge(by, { header: hintHeader(by), payload: valid }),
    "an encrypted token": `${encode({ alg: "dir", enc: "A128GCM", kid: by.kid, typ: "JWT" })}..${encode("iv")}.${payload}.${signature}`,
    "8,001 characters": forge(by, { header: hintHeader(by), payload: { ...claims, name: "x".repeat(8000) } }),
    "no token": "id_token",
  };
}
