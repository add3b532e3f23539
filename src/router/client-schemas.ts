import { z } from "zod";
import { MAX_KEYS, MAX_REDIRECT_URIS } from "../service/clients/client-shape.ts";
import { MAX_URI_LENGTH } from "../service/clients/redirect-uri.ts";
import { authMethods, grantTypes, introductions, permissions } from "../store/client.ts";
import { identifier } from "../token/claims.ts";
import { hasInvisible } from "../token/invisible.ts";
import { described } from "./described.ts";

const seconds = z.int().positive();
const clientId = identifier;

/** One scope token (RFC 6749 §3.3), or `*` for any. */
export const scopeToken = z
  .string()
  .max(255)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be one scope token");

const uri = z.string().max(MAX_URI_LENGTH);

/** The metadata of a client (RFC 7591 §2). The service checks the values. */
const metadata = {
  grants: z.array(z.enum(grantTypes)).max(grantTypes.length).optional().meta({
    description:
      "Grant types that it may use. Default: client credentials where it may issue, code with redirect URIs, refresh tokens.",
  }),
  redirectUris: z
    .array(uri)
    .max(MAX_REDIRECT_URIS)
    .optional()
    .meta({ description: "Where people return to after their sign-in. Compared as strings." }),
  postLogoutRedirectUris: z
    .array(uri)
    .max(MAX_REDIRECT_URIS)
    .optional()
    .meta({ description: "Where people return to after logout." }),
  firstParty: z
    .boolean()
    .optional()
    .meta({ description: "Whether people are not asked for consent. Only an administrator can set it." }),
};

const jwks = z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(MAX_KEYS) });

const keyMetadata = {
  jwks: jwks.optional().meta({ description: "The public keys of a client with `private_key_jwt`." }),
  jwksUri: uri.optional().meta({ description: "The https URL of these keys." }),
  backchannelLogoutUri: uri.optional().meta({ description: "The https URL that is called when a session ends." }),
};

const authMethod = z.enum(authMethods).meta({
  description:
    "How it authenticates. Default: `private_key_jwt` with keys, else `client_secret_basic`. `none` is a public client.",
});

const NAME = { description: "For people.", examples: ["billing"] };

const clientFields = {
  name: described(identifier, NAME),
  permissions: z
    .array(z.enum(permissions))
    .max(permissions.length)
    .meta({ examples: [["issue"]] }),
  scopes: z
    .array(scopeToken)
    .max(100)
    .default([])
    .meta({ description: "Scope tokens that it may request; `*` is any." }),
  audiences: z
    .array(identifier)
    .max(100)
    .default([])
    .meta({ description: "Audiences beside the default one; `*` is any." }),
  anySubject: z
    .boolean()
    .default(false)
    .meta({ description: "Whether it may request tokens about subjects other than itself." }),
  maxTtl: seconds.optional().meta({ description: "Longest lifetime that it may request, in seconds." }),
};

/** Text that people read: it has something to see, and nothing that hides or reorders it. */
export const visible = z.refine<string>(
  (text) => !hasInvisible(text) && text.trim() !== "",
  "must be visible, without direction marks and other invisible characters",
);

/** A new name: people distinguish clients and resources by it. Stored names may be any identifier. */
export const newName = identifier.check(visible);

export const newClient = z.strictObject({
  ...clientFields,
  name: described(newName, NAME),
  authMethod: authMethod.optional(),
  ...metadata,
  ...keyMetadata,
});

const without = { description: "Default: unchanged." };

export const clientUpdate = z
  .strictObject({
    clientId,
    name: z.optional(newName).meta(NAME),
    permissions: clientFields.permissions.optional().meta(without),
    scopes: clientFields.scopes.unwrap().optional().meta(without),
    audiences: clientFields.audiences.unwrap().optional().meta(without),
    anySubject: clientFields.anySubject.unwrap().optional().meta(without),
    maxTtl: seconds
      .nullish()
      .meta({ description: "Longest lifetime that it may request, in seconds; `null` for no limit." }),
    ...metadata,
    jwks: jwks.nullish().meta({ description: "Replaces the public keys, or their URL; `null` for none." }),
    jwksUri: uri.nullish().meta({ description: "Replaces the URL of the public keys, or them; `null` for none." }),
    backchannelLogoutUri: uri
      .nullish()
      .meta({ description: "The https URL that is called when a session ends; `null` for none." }),
  })
  .refine(({ clientId, ...change }) => Object.values(change).some((value) => value !== undefined), {
    message: "must have a field to change",
  })
  .meta({ examples: [{ clientId: "4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f", scopes: ["orders:read"] }] });

const clientView = z.strictObject({
  ...clientFields,
  authMethod,
  ...metadata,
  ...keyMetadata,
  clientId,
  createdAt: seconds,
  lastUsedAt: seconds
    .optional()
    .meta({ description: "When it last called or followed, up to two minutes late. Absent if it never did." }),
  secrets: z.array(z.strictObject({ createdAt: seconds, expiresAt: seconds.optional() })),
  introduced: z.enum(introductions).optional().meta({
    description:
      "How it introduced itself: by the document at the URL that is its id, or by dynamic registration. Absent: an administrator added it.",
  }),
});
export const updatedClient = clientView;
export const clientViews = z.array(clientView);
export const createdClient = clientView.extend({
  clientSecret: z.string().meta({
    description: "Shown once. The service stores only its hash. Empty for a client that authenticates otherwise.",
  }),
});

export const rotateSecretInput = z.strictObject({
  clientId,
  overlap: z
    .int()
    .min(0)
    .max(30 * 86400)
    .default(3600)
    .meta({ description: "How long the previous secret is accepted, in seconds." }),
});
export const rotatedSecret = z.strictObject({ clientId, clientSecret: z.string(), overlap: z.int() });

export const removeClientInput = z.strictObject({ clientId });
