import type { Reason } from "../../src/errors.ts";
import { readStrictly } from "./strict-json.ts";

/** A token, and everything that its verdict depends on. */
export type Case = {
  token: string;
  /** The algorithm of the key that signed exactly this text, if any. */
  signedBy: string | undefined;
  /** One, or a list of which one suffices. */
  audience?: string | readonly string[] | undefined;
  scope?: string | undefined;
};

export type Oracle = {
  issuer: string;
  now: number;
  maxLifetime: number;
  /** The algorithm of each key by its `kid`. */
  algorithms: ReadonlyMap<string, string>;
  /** Revoked tokens, and the event up to which the tokens of a subject are revoked. */
  revokedTokens: ReadonlySet<string>;
  revokedSubjects: ReadonlyMap<string, number>;
};

type Claims = Record<string, unknown>;
type Typed = { iss: string; sub: string; aud: string | string[]; iat: number; exp: number; nbf?: number; jti: string };

const REGISTERED = new Set(["iss", "sub", "aud", "iat", "exp", "nbf", "jti", "client_id", "scope", "sid"]);
const NOT_OURS = /^(?:auth_time|acr|amr|azp|nonce|cnf|act|may_act|active|token_type|username|status|events)$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/**
 * The verdict on a token: a second implementation of the README, RFC 9068 and the catalogue of errors, without code of the
 * verifier and without cryptography, as the fuzzer knows what it signed.
 */
export function verdictOf({ token, signedBy, audience, scope }: Case, oracle: Oracle): "accepted" | Reason {
  const claims = signedBy !== undefined ? claimsOf(token, signedBy, oracle) : undefined;
  if (claims === undefined) return "invalid_token";
  const { iss, aud, iat, exp, nbf, jti, sub } = claims as unknown as Typed;
  if (iss !== oracle.issuer) return "wrong_issuer";
  const isFor = (wanted: string) => aud === wanted || (Array.isArray(aud) && aud.includes(wanted));
  if (audience !== undefined && ![audience].flat().some(isFor)) return "wrong_audience";
  if (!(exp > iat && exp - iat <= oracle.maxLifetime)) return "invalid_token";
  if (exp <= oracle.now) return "token_expired";
  if (iat > oracle.now + 60 || (nbf ?? 0) > oracle.now) return "not_yet_valid";
  const granted = String(claims.scope ?? "").split(" ");
  if (scope !== undefined && !scope.split(" ").every((one) => granted.includes(one))) return "insufficient_scope";
  const bound = oracle.revokedSubjects.get(sub) ?? 0;
  return oracle.revokedTokens.has(jti) || sequenceIn(jti) < bound ? "token_revoked" : "accepted";
}

function claimsOf(token: string, signedBy: string, { algorithms }: Oracle): Claims | undefined {
  const segments = token.split(".");
  if (token.length > 8000 || segments.length !== 3 || !segments.every(isCanonical)) return undefined;
  const [header, claims] = segments.map((segment) => readStrictly(Buffer.from(segment, "base64url")));
  if (header === undefined || claims === undefined) return undefined;
  if (Object.keys(header).sort().join() !== "alg,kid,typ") return undefined;
  if (!/^(?:application\/)?at\+jwt$/i.test(String(header.typ)) || typeof header.typ !== "string") return undefined;
  if (typeof header.kid !== "string" || algorithms.get(header.kid) !== header.alg || header.alg !== signedBy)
    return undefined;
  return isClaimSet(claims) ? claims : undefined;
}

function isCanonical(segment: string): boolean {
  return segment !== "" && Buffer.from(segment, "base64url").toString("base64url") === segment;
}

function isClaimSet(claims: Claims): boolean {
  const { iss, sub, aud, iat, exp, nbf, jti, client_id, scope, sid } = claims;
  if (Object.keys(claims).some((name) => NOT_OURS.test(name) && !REGISTERED.has(name))) return false;
  if (![iss, sub, jti, client_id].every(isIdentifier)) return false;
  if (!(isIdentifier(aud) || (Array.isArray(aud) && aud.length >= 1 && aud.length <= 16 && aud.every(isIdentifier))))
    return false;
  if (![iat, exp].every(isMoment) || !(nbf === undefined || isMoment(nbf))) return false;
  if (scope !== undefined && !(typeof scope === "string" && scope.length <= 1000 && SCOPE.test(scope))) return false;
  return sid === undefined || isIdentifier(sid);
}

function isIdentifier(value: unknown): boolean {
  return typeof value === "string" && value.length >= 1 && value.length <= 255 && !/\p{Cc}/u.test(value);
}

function isMoment(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** The number in the first six bytes of a `jti` of 24 characters. */
function sequenceIn(jti: string): number {
  return /^[\w-]{24}$/.test(jti) ? Number.parseInt(Buffer.from(jti, "base64url").toString("hex").slice(0, 12), 16) : 0;
}
