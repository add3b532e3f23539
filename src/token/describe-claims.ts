import { z } from "zod";
import { type RegisteredClaims, registeredClaims } from "./claims.ts";
import { type ClaimsSchema, RESERVED_CLAIMS, strictly } from "./claims-schema.ts";
import { isPlainObject } from "./json.ts";

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
