import * as z from "zod/mini";
import { MintmarkError } from "../../errors.ts";
import { authMethods, grantTypes, permissions } from "../../store/client.ts";
import type { FieldChange } from "./client-fields.ts";
import type { NewClient } from "./client-metadata.ts";

/** Most redirect URIs, and most keys, of a client. */
export const MAX_REDIRECT_URIS = 20;
export const MAX_KEYS = 10;

const texts = z.array(z.string());
const uris = z.array(z.string()).check(z.maxLength(MAX_REDIRECT_URIS));
const jwk = z.record(z.string(), z.unknown());
const jwks = z.object({ keys: z.array(jwk).check(z.minLength(1), z.maxLength(MAX_KEYS)) });

const rights = {
  name: z.string(),
  permissions: z.array(z.enum(permissions)),
  scopes: texts,
  audiences: texts,
  anySubject: z.boolean(),
};
const metadata = {
  grants: z.optional(z.array(z.enum(grantTypes))),
  redirectUris: z.optional(uris),
  postLogoutRedirectUris: z.optional(uris),
  firstParty: z.optional(z.boolean()),
};

const newClient = z.object({
  ...rights,
  ...metadata,
  authMethod: z.optional(z.enum(authMethods)),
  maxTtl: z.optional(z.number()),
  jwks: z.optional(jwks),
  jwksUri: z.optional(z.string()),
  backchannelLogoutUri: z.optional(z.string()),
});

const change = z.object({
  ...z.partial(z.object(rights)).shape,
  ...metadata,
  maxTtl: z.nullish(z.number()),
  jwks: z.nullish(jwks),
  jwksUri: z.nullish(z.string()),
  backchannelLogoutUri: z.nullish(z.string()),
});

/** Throws `invalid_request` for fields of another type: callers in this process may not be type-checked. */
export function requireShape(kind: "new" | "change", fields: NewClient | FieldChange): void {
  const { error } = (kind === "new" ? newClient : change).safeParse(fields);
  const issues = error?.issues.map(({ path }) => ({ path: path.join("."), message: "has another type or size" }));
  if (issues !== undefined) throw new MintmarkError("invalid_request", { issues });
}
