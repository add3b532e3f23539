import * as z from "zod/mini";
import { globalRegistry, safeParse } from "zod/v4/core";
import type { Seconds } from "../time.ts";
import { type ClaimsSchema, RESERVED_CLAIMS } from "./claims-schema.ts";
import { isPlainObject, type JsonObject } from "./json.ts";

export { type ClaimsSchema, checkClaimsSchema, RESERVED_CLAIMS } from "./claims-schema.ts";

/** A verified claim set: the registered claims of RFC 9068 §2.2 and the custom ones beside them. */
export type Claims<Custom = JsonObject> = RegisteredClaims & Custom;

/** The registered claims of an access token. Times are NumericDates (RFC 7519 §2). */
export type RegisteredClaims = {
  /** The configured issuer, exactly. */
  iss: string;
  /** The subject. */
  sub: string;
  /** The audience: one service, or a list. */
  aud: string | string[];
  /** Time of issue. */
  iat: Seconds;
  /** Expiry: invalid from this moment on. */
  exp: Seconds;
  /** Invalid before this moment. Mintmark does not set it. */
  nbf?: Seconds | undefined;
  /** Identifies the token, together with `iss`. */
  jti: string;
  /** The client it was issued to. */
  client_id: string;
  /** Scope tokens, separated by spaces (RFC 6749 §3.3). */
  scope?: string | undefined;
  /** The sign-in session of a person's token; else the grant of a token that was issued with or by a refresh token. */
  sid?: string | undefined;
  /** The grant of a token that came by a sign-in. */
  grant_id?: string | undefined;
};

const CONTROL_CHARACTER = /\p{Cc}/u;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** An identifier in a token: 1 to 255 characters, well-formed Unicode, no control characters. Compared byte by byte. */
export const identifier = z.string().check(
  z.minLength(1),
  z.maxLength(255),
  z.refine(
    (text) => text.isWellFormed() && !CONTROL_CHARACTER.test(text),
    "has a control character or a lone surrogate",
  ),
);

/** One service, or a list of 1 to 16 different ones. */
export type Audience = string | readonly string[];

const MAX_AUDIENCES = 16;

/** Schema of an {@link Audience}, requested or expected. */
export const audience = z.union(
  [
    identifier,
    z.array(identifier).check(
      z.minLength(1),
      z.maxLength(MAX_AUDIENCES),
      z.refine((list) => new Set(list).size === list.length, "must not name one twice"),
    ),
  ],
  `must be 1 to 255 characters without control characters, or a list of 1 to ${MAX_AUDIENCES} different such texts`,
);

/** Scope tokens separated by single spaces (RFC 6749 §3.3), at most 1,000 characters. */
export const scopeString = z
  .string()
  .check(z.maxLength(1000), z.regex(SCOPE, "must be scope tokens separated by single spaces"));

const numericDate = z.int().check(z.positive());

export const registeredClaims: z.ZodMiniType<RegisteredClaims> = z.strictObject({
  iss: identifier,
  sub: identifier,
  aud: z.union([identifier, z.array(identifier).check(z.minLength(1), z.maxLength(MAX_AUDIENCES))]),
  iat: numericDate,
  exp: numericDate,
  nbf: z.optional(numericDate),
  jti: identifier,
  client_id: identifier,
  scope: z.optional(scopeString),
  sid: z.optional(identifier),
  grant_id: z.optional(identifier),
});

/** The default schema: any JSON object. */
export type AnyClaims = z.core.$ZodType<JsonObject, JsonObject>;
export const anyClaims: AnyClaims = z.custom<JsonObject>(isPlainObject, "must be an object");
globalRegistry.add(anyClaims, { type: "object", examples: [{ role: "reader" }] });

/**
 * Parses a payload: the registered claims by a strict schema, all others by `claimsSchema`. Returns `undefined` if it is
 * invalid. Signing and verification share this, so that no token is signed that would be refused. Not checked: times, issuer
 * and audience.
 */
export function parseClaims<Schema extends ClaimsSchema>(
  payload: JsonObject,
  claimsSchema: Schema,
): Claims<z.output<Schema>> | undefined {
  const entries = Object.entries(payload);
  const registered = registeredClaims.safeParse(
    Object.fromEntries(entries.filter(([name]) => RESERVED_CLAIMS.has(name))),
  );
  const others = safeParse(claimsSchema, Object.fromEntries(entries.filter(([name]) => !RESERVED_CLAIMS.has(name))));
  if (!registered.success || !others.success) return undefined;
  return joinClaims(others.data, registered.data) as Claims<z.output<Schema>>;
}

/**
 * Merges custom and registered claims; the registered ones win. Not by `{ ...custom, ...registered }`, which takes V8 ten
 * microseconds, and not by `Object.assign` alone, for which a member `__proto__` sets the prototype.
 */
export function joinClaims<Custom extends Record<string, unknown>>(
  claimsSchema: Custom,
  registered: RegisteredClaims,
): Claims<Custom> {
  return Object.assign(Object.fromEntries(Object.entries(claimsSchema)) as Custom, registered);
}

/** Whether the lifetime is 1 to `maxLifetime` seconds. */
export function hasSoundLifetime({ iat, exp }: Pick<RegisteredClaims, "iat" | "exp">, maxLifetime: Seconds): boolean {
  return exp > iat && exp - iat <= maxLifetime;
}
