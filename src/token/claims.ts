import { z } from "zod";
import type { Seconds } from "../time.ts";
import { type ClaimsSchema, RESERVED_CLAIMS, strictly } from "./claims-schema.ts";
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
  /** The grant of a token that was issued with or by a refresh token. */
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

/** One service, or a list of 1 to 16 different ones. */
export type Audience = string | readonly string[];

const MAX_AUDIENCES = 16;

/** Schema of an {@link Audience}, requested or expected. */
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

/** The default schema: any JSON object. */
export type AnyClaims = z.ZodType<JsonObject, JsonObject>;
export const anyClaims: AnyClaims = z
  .custom<JsonObject>(isPlainObject, "must be an object")
  .meta({ type: "object", examples: [{ role: "reader" }] });

/** The schema of requested custom claims: the given one, which also refuses unknown names and registered claims. */
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
  const others = z.core.safeParse(
    claimsSchema,
    Object.fromEntries(entries.filter(([name]) => !RESERVED_CLAIMS.has(name))),
  );
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

/** The example of custom claims in the metadata of a schema. */
export function exampleOf(claimsSchema: ClaimsSchema): object | undefined {
  return Object.values(z.globalRegistry.get(claimsSchema)?.examples ?? {}).at(0);
}

/** The schema of a whole claim set, for descriptions. {@link parseClaims} parses. */
export function claimsSchema(claimsSchema: ClaimsSchema): z.ZodType {
  return z
    .intersection(registeredClaims, claimsSchema)
    .meta({ examples: [{ ...EXAMPLE, ...exampleOf(claimsSchema) }] });
}
