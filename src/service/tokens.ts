import { randomBytes } from "node:crypto";
import type { z } from "zod";
import type { Clock, Seconds } from "../time.ts";
import type { Claims, ClaimsSchema } from "../token/claims.ts";
import { signAccessToken } from "../token/sign.ts";
import { verifyAccessToken } from "../token/verify.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Caller } from "./caller.ts";
import type { Gate } from "./gate.ts";
import type { Keys } from "./keys.ts";
import { beyondLimits } from "./limits.ts";

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

export type Tokens<Schema extends ClaimsSchema> = {
  /** Issues an access token. Without a subject it is about the caller itself (RFC 9068 §5). */
  getToken(caller: Caller, request: TokenRequest): Promise<IssuedToken>;
  /** Verifies an access token for an audience; see `verifyAccessToken` for what is checked and what is not. */
  verifyToken(request: VerificationRequest): Promise<Claims<z.output<Schema>>>;
};

export type TokensOptions<Schema extends ClaimsSchema> = {
  issuer: string;
  audience: string;
  custom: Schema;
  ttl: Seconds;
  maxTtl: Seconds;
  keys: Keys;
  gate: Gate;
  audit: AuditLog;
  clock: Clock;
};

/** The use cases of access tokens. A token leaves only when the record that it was issued is durable. */
export function createTokens<Schema extends ClaimsSchema>(options: TokensOptions<Schema>): Tokens<Schema> {
  const { issuer, custom, maxTtl, keys, gate, audit, clock } = options;

  return {
    getToken(caller, request) {
      const key = keys.current().signing;
      const iat = clock();
      const expiresIn = request.expiresIn ?? Math.min(options.ttl, caller.maxTtl ?? options.ttl);
      const claims = {
        ...request.claims,
        iss: issuer,
        sub: request.subject ?? caller.clientId,
        aud: request.audience ?? options.audience,
        iat,
        exp: iat + expiresIn,
        jti: randomBytes(16).toString("base64url"),
        client_id: caller.clientId,
        ...(request.scope !== undefined && { scope: request.scope }),
      };
      const act = {
        action: "getToken",
        permission: "issue",
        about: { subject: claims.sub, jti: claims.jti, kid: key.kid },
        missing: beyondLimits(caller, request, options.audience),
      } as const;
      return gate(caller, act, async (record) => {
        const token = await signAccessToken(claims, { key, custom, maxLifetime: maxTtl });
        await audit.append(record);
        return { token, tokenType: "Bearer", expiresIn, scope: request.scope ?? "" };
      });
    },

    verifyToken({ token, audience = options.audience, scope }) {
      const expected = { issuer, audience, scope, custom, now: clock(), maxLifetime: maxTtl };
      return verifyAccessToken(token, keys.find, expected);
    },
  };
}
