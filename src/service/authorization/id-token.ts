import { createHash } from "node:crypto";
import { MintmarkError } from "../../errors.ts";
import type { AuthorizationCode } from "../../store/authorization.ts";
import type { Seconds } from "../../time.ts";
import { type SigningKey, signJws } from "../../token/sign.ts";
import type { Algorithm } from "../../token/signature.ts";
import { grantedProfile } from "./openid.ts";

/** The type of an `id_token` in its header. No verifier of access tokens accepts it. */
const ID_TOKEN_TYPE = "JWT";

export type IdTokenOptions = { key: SigningKey; issuer: string; accessToken: string; now: Seconds; ttl: Seconds };

/**
 * Signs the `id_token` of a code (OIDC Core §2, §3.1.3.6): who signed in, when and in which session, for the client alone, with
 * what the granted scopes contain of the profile. Lives as long as the access token.
 */
export function signIdToken(
  code: AuthorizationCode,
  { key, issuer, accessToken, now, ttl }: IdTokenOptions,
): Promise<string> {
  if (key.alg === "HS256") throw new MintmarkError("no_key_pairs");
  const { subject, clientId, authTime, nonce, sid, profile, scope } = code;
  const claims = {
    ...grantedProfile(profile, scope),
    iss: issuer,
    sub: subject,
    aud: clientId,
    iat: now,
    exp: now + ttl,
    auth_time: authTime,
    sid,
    at_hash: hashOfToken(accessToken, key.alg),
    ...(nonce !== undefined && { nonce }),
  };
  return signJws(JSON.stringify(claims), key, ID_TOKEN_TYPE);
}

/** The left half of the hash of an access token, by the hash of the algorithm. Ed25519 hashes by SHA-512 (RFC 8032 §5.1). */
function hashOfToken(token: string, alg: Exclude<Algorithm, "HS256">): string {
  const digest = createHash(HASHES[alg]).update(token).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

const HASHES = {
  ES256: "sha256",
  ES384: "sha384",
  RS256: "sha256",
  PS256: "sha256",
  EdDSA: "sha512",
} as const satisfies Record<Exclude<Algorithm, "HS256">, string>;
