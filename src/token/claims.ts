import { z } from "zod";
import type { Seconds } from "../time.ts";
import { type ClaimsSchema, RESERVED_CLAIMS, strictly } from "./claims-schema.ts";
import { isPlainObject, type JsonObject } from "./json.ts";

export { type ClaimsSchema, checkClaimsSchema, RESERVED_CLAIMS } from "./claims-schema.ts";

/** A verified claim set: the registered claims of RFC 9068 §2.2 and the custom ones beside them. */
export type Claims<Custom = JsonObject> = RegisteredClaims & Custom;

/** What every access token says. Times are NumericDates (RFC 7519 §2). */
export type RegisteredClaims = {
  /** Who issued it: the configured issuer, exactly. */
  iss: string;
  /** Who it is about. */
  sub: string;
  /** Which services it is for: one, or a list of several. */
  aud: string | string[];
  /** When it was issued. */
  iat: Seconds;
  /** From when on it is refused. */
  exp: Seconds;
  /** Before when it is refused. Mintmark does not write it. */
  nbf?: Seconds | undefined;
  /** Its identity, together with `iss`: never the token's text, since one token may have several. */
  jti: string;
  /** The client it was issued to. */
  client_id: string;
  /** What it allows, separated by spaces (RFC 6749 §3.3). Absent when it allows nothing in particular. */
  scope?: string | undefined;
  /** The session it belongs to, where it came with a refresh token or by one. */
  sid?: string | undefined;
};

const CONTROL_CHARACTER = /\p{Cc}/u;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** An identifier in a token: 1 to 255 characters, well-formed Unicode, no control characters. Compared byte by byte. */
export const identifier = z
  .string()
  .min(1)
  .max(255)
  .refine(
    (text) => text.isWellFormed() && !CONTROL_CHARACTER.test(text),
    "has a control character or a lone surrogate",
  );

/** Whom a token is for: one service, or any of a list of 1 to 16 different ones. */
export type Audience = string | readonly string[];

const MAX_AUDIENCES = 16;

/** An {@link Audience}, as it is asked for and as it is expected. */
export const audience = z.union(
  [
    identifier,
    z
      .array(identifier)
      .min(1)
      .max(MAX_AUDIENCES)
      .refine((list) => new Set(list).size === list.length, "must not name one twice"),
  ],
  `must be 1 to 255 characters without control characters, or a list of 1 to ${MAX_AUDIENCES} different such texts`,
);

/** Scope tokens separated by single spaces (RFC 6749 §3.3), at most 1,000 characters. */
export const scopeString = z.string().max(1000).regex(SCOPE, "must be scope tokens separated by single spaces");

const numericDate = z.int().positive();

const registeredClaims: z.ZodType<RegisteredClaims> = z.strictObject({
  iss: identifier,
  sub: identifier,
  aud: z.union([identifier, z.array(identifier).min(1).max(MAX_AUDIENCES)]),
  iat: numericDate,
  exp: numericDate,
  nbf: numericDate.optional(),
  jti: identifier,
  client_id: identifier,
  scope: scopeString.optional(),
  sid: identifier.optional(),
});

/** The schema where none is given: any JSON object. */
export type AnyClaims = z.ZodType<JsonObject, JsonObject>;
export const anyClaims: AnyClaims = z
  .custom<JsonObject>(isPlainObject, "must be an object")
  .meta({ type: "object", examples: [{ role: "reader" }] });

/** The schema of the custom claims a caller may ask for: as given, and strict about names it does not know. */
export function requestedClaims(schema: ClaimsSchema): ClaimsSchema {
  const strict = strictly(schema);
  const check = z.check<Record<string, unknown>>(({ value, issues }) => {
    const add = (message: string) => issues.push({ code: "custom", message, input: value, path: [] });
    if (!isPlainObject(value)) return void add("must be an object");
    for (const name of Object.keys(value).filter((name) => RESERVED_CLAIMS.has(name)))
      add(`may not set the registered claim "${name}"`);
  });
  const { def } = strict._zod;
  return z.core.clone(strict, { ...def, checks: [...(def.checks ?? []), check] }, { parent: true });
}

/**
 * Reads a payload as claims: the registered ones by a strict schema, all others by `custom`. The
 * signer and the verifier both call this, so what may not be accepted is never signed.
 * Returns `undefined` for anything else. Does not look at times, issuer or audience.
 */
export function parseClaims<Schema extends ClaimsSchema>(
  payload: JsonObject,
  claimsSchema: Schema,
): Claims<z.output<Schema>> | undefined {
  const entries = Object.entries(payload);
  const registered = registeredClaims.safeParse(
    Object.fromEntries(entries.filter(([name]) => RESERVED_CLAIMS.has(name))),
  );
  const others = z.core.safeParse(
    claimsSchema,
    Object.fromEntries(entries.filter(([name]) => !RESERVED_CLAIMS.has(name))),
  );
  if (!registered.success || !others.success) return undefined;
  return joinClaims(others.data, registered.data) as Claims<z.output<Schema>>;
}

/**
 * Puts custom claims beside registered ones, which prevail. Not by `{ ...custom, ...registered }`, for which
 * V8 takes ten microseconds, as for all literals that begin with a spread and go on; and not by `Object.assign`
 * alone, which would take a member `__proto__` for the prototype.
 */
export function joinClaims<Custom extends Record<string, unknown>>(
  claimsSchema: Custom,
  registered: RegisteredClaims,
): Claims<Custom> {
  return Object.assign(Object.fromEntries(Object.entries(claimsSchema)) as Custom, registered);
}

/** Whether a token lives for 1 to `maxLifetime` seconds. */
export function hasSoundLifetime({ iat, exp }: Pick<RegisteredClaims, "iat" | "exp">, maxLifetime: Seconds): boolean {
  return exp > iat && exp - iat <= maxLifetime;
}

const EXAMPLE: RegisteredClaims = {
  iss: "http://127.0.0.1:3000",
  sub: "ada",
  aud: "http://127.0.0.1:3000",
  iat: 1795515614,
  exp: 1795516514,
  jti: "AAAAAAAJshqxLuffdwfzBEJ3",
  client_id: "local",
  scope: "orders:read",
};

/** The example of custom claims that a schema carries with it, if it does. */
export function exampleOf(claimsSchema: ClaimsSchema): object | undefined {
  return Object.values(z.globalRegistry.get(claimsSchema)?.examples ?? {}).at(0);
}

/** The schema of a verified claim set as a whole, for descriptions. {@link parseClaims} does the reading. */
export function claimsSchema(claimsSchema: ClaimsSchema): z.ZodType {
  return z
    .intersection(registeredClaims, claimsSchema)
    .meta({ examples: [{ ...EXAMPLE, ...exampleOf(claimsSchema) }] });
}
