import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { createSecretKeyring, type JwkSet } from "../keys/keyring.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { type Clock, type Seconds, systemClock } from "../time.ts";
import { type AnyClaims, anyClaims, type Claims, type ClaimsSchema, checkClaimsSchema } from "../token/claims.ts";
import { signAccessToken } from "../token/sign.ts";
import { verifyAccessToken } from "../token/verify.ts";
import type { Caller } from "./caller.ts";
import { openKeyring } from "./open-keyring.ts";

export type TokenServiceOptions<Schema extends ClaimsSchema = AnyClaims> = {
  /** The `iss` of every token. Default `http://127.0.0.1:3000`. Never taken from a request. */
  issuer?: string;
  /** The `aud` of a token that asks for none, and the one expected where none is named. Default: the issuer. */
  audience?: string;
  /** Schema of the custom claims. Default: any JSON object. */
  claims?: Schema;
  /** Where state lives. Default: the embedded database in `.mintmark`. */
  store?: Store;
  /** Signing algorithm. Default `ES256`. */
  alg?: KeyPairAlgorithm;
  /** Signs by HS256 with this secret of at least 32 bytes, and `alg` and the stored keys are left aside. */
  secret?: string;
  /** Lifetime of a token that asks for none. Default 900. */
  ttl?: Seconds;
  /** Longest lifetime that may be asked for. Default 86,400. */
  maxTtl?: Seconds;
  /** Default: the system's clock. */
  clock?: Clock;
};

/** What a token is asked for with. Values are checked by the router's schemas; see there for their ranges. */
export type TokenRequest = {
  subject?: string | undefined;
  audience?: string | undefined;
  scope?: string | undefined;
  expiresIn?: Seconds | undefined;
  claims: Record<string, unknown>;
};

/** An issued token, with the members of RFC 6749 §5.1. */
export type IssuedToken = { token: string; tokenType: "Bearer"; expiresIn: Seconds; scope: string };

export type VerificationRequest = { token: string; audience?: string | undefined; scope?: string | undefined };

export type TokenService<Schema extends ClaimsSchema = AnyClaims> = {
  readonly issuer: string;
  readonly maxTtl: Seconds;
  readonly claims: Schema;
  /** Issues an access token. Without a subject it is about the caller itself (RFC 9068 §5). */
  getToken(caller: Caller, request: TokenRequest): Promise<IssuedToken>;
  /** Verifies an access token for an audience; see `verifyAccessToken` for what is checked and what is not. */
  verifyToken(request: VerificationRequest): Promise<Claims<z.output<Schema>>>;
  /** The public keys that tokens of this issuer are verified with. Empty with a shared secret. */
  jwks(): JwkSet;
  /** Closes the store. */
  close(): Promise<void>;
};

/**
 * Opens the token service: loads its keys from the store, or makes the first one there.
 * Throws a `StartError`, with one line that says what to do, where it cannot start.
 */
export async function createTokenService<Schema extends ClaimsSchema = AnyClaims>(
  options: TokenServiceOptions<Schema> = {},
): Promise<TokenService<Schema>> {
  const {
    issuer = "http://127.0.0.1:3000",
    alg = "ES256",
    secret,
    ttl = 900,
    maxTtl = 86400,
    clock = systemClock,
  } = options;
  const { audience = issuer } = options;
  const custom = (options.claims ?? anyClaims) as Schema;
  checkClaimsSchema(custom);
  const store = options.store ?? (await openSqliteStore(".mintmark"));
  const keyring = secret === undefined ? await openKeyring(store, { alg, clock }) : createSecretKeyring(secret);

  return {
    issuer,
    maxTtl,
    claims: custom,

    async getToken(caller, request) {
      const iat = clock();
      const expiresIn = request.expiresIn ?? Math.min(ttl, maxTtl);
      const claims = {
        ...request.claims,
        iss: issuer,
        sub: request.subject ?? caller.clientId,
        aud: request.audience ?? audience,
        iat,
        exp: iat + expiresIn,
        jti: randomBytes(16).toString("base64url"),
        client_id: caller.clientId,
        ...(request.scope !== undefined && { scope: request.scope }),
      };
      const token = await signAccessToken(claims, { key: keyring.signing, custom, maxLifetime: maxTtl });
      return { token, tokenType: "Bearer", expiresIn, scope: request.scope ?? "" };
    },

    verifyToken({ token, audience: wanted = audience, scope }) {
      const options = { issuer, audience: wanted, scope, custom, now: clock(), maxLifetime: maxTtl };
      return verifyAccessToken(token, keyring.lookup, options);
    },

    jwks: () => keyring.jwks,
    close: () => store.close(),
  };
}
