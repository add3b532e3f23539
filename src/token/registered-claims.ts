import * as z from "zod/mini";
import type { Seconds } from "../time.ts";
import { RESERVED_CLAIMS } from "./claims-schema.ts";
import type { JsonObject } from "./json.ts";

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

const MAX_IDENTIFIER = 255;
const MAX_AUDIENCES = 16;
const MAX_SCOPE = 1000;
const CONTROL_CHARACTER = /\p{Cc}/u;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** An identifier in a token: 1 to 255 characters, well-formed Unicode, no control characters. Compared byte by byte. */
export const identifier = z
  .string()
  .check(z.minLength(1), z.maxLength(MAX_IDENTIFIER), z.refine(isClean, "has a control character or a lone surrogate"));

function isClean(text: string): boolean {
  return text.isWellFormed() && !CONTROL_CHARACTER.test(text);
}

/** One service, or a list of 1 to 16 different ones. */
export type Audience = string | readonly string[];

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
  .check(z.maxLength(MAX_SCOPE), z.regex(SCOPE, "must be scope tokens separated by single spaces"));

const numericDate = z.int().check(z.positive());

const schema = z.strictObject({
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

/** The schema of the registered claims. {@link hasRegisteredClaims} checks them. */
export const registeredClaims: z.ZodMiniType<RegisteredClaims> = schema;

const isDeclared = (name: string) => Object.hasOwn(schema.shape, name);
const UNDECLARED: ReadonlySet<string> = new Set([...RESERVED_CLAIMS].filter((name) => !isDeclared(name)));

/**
 * Whether a payload has the registered claims, and of the other reserved ones none. The same check as the schema, for every
 * token: the schema takes ten times as long.
 */
export function hasRegisteredClaims(payload: JsonObject): boolean {
  const { iss, sub, aud, iat, exp, nbf, jti, client_id, scope, sid, grant_id } = payload;
  for (const name in payload) if (UNDECLARED.has(name)) return false;
  return (
    isIdentifier(iss) &&
    isIdentifier(sub) &&
    (isIdentifier(aud) || isAudienceList(aud)) &&
    isNumericDate(iat) &&
    isNumericDate(exp) &&
    (nbf === undefined || isNumericDate(nbf)) &&
    isIdentifier(jti) &&
    isIdentifier(client_id) &&
    (scope === undefined || isScope(scope)) &&
    (sid === undefined || isIdentifier(sid)) &&
    (grant_id === undefined || isIdentifier(grant_id))
  );
}

function isIdentifier(value: unknown): boolean {
  return typeof value === "string" && value !== "" && !isLongerThan(MAX_IDENTIFIER, value) && isClean(value);
}

/** By Unicode code points, as the schema counts. */
function isLongerThan(max: number, text: string): boolean {
  return text.length > max && [...text].length > max;
}

function isAudienceList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_AUDIENCES && value.every(isIdentifier);
}

function isNumericDate(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isScope(value: unknown): boolean {
  return typeof value === "string" && !isLongerThan(MAX_SCOPE, value) && SCOPE.test(value);
}
