import { z } from "zod";
import { KEY_PAIR_ALGORITHMS } from "../keys/public-jwk.ts";
import { permissions } from "../store/client.ts";
import { identifier } from "../token/claims.ts";
import { hasInvisible } from "../token/invisible.ts";
import { described } from "./described.ts";

const seconds = z.int().positive();
export const keyId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be a key's kid");
const clientId = identifier;

/** One scope token (RFC 6749 §3.3), or `*` for any. */
export const scopeToken = z
  .string()
  .max(255)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be one scope token");

/** Rejects input that a caller sends by mistake. */
export const nothing = z.strictObject({}).optional();

export const rotateInput = z
  .strictObject({
    immediate: z
      .boolean()
      .default(false)
      .meta({ description: "Whether the key signs at once, without advance publication, as after a leak." }),
    alg: z
      .enum(KEY_PAIR_ALGORITHMS)
      .optional()
      .meta({ description: "Algorithm of this key and of all later ones. Default: the stored setting." }),
  })
  .prefault({});

const sequence = z.int();

export const revoked = z.strictObject({
  sequence,
  unknownClient: z
    .literal(true)
    .optional()
    .meta({ description: "The client is unknown. Tokens with its id are revoked all the same." }),
  unknownGrant: z
    .literal(true)
    .optional()
    .meta({ description: "The grant is unknown. Tokens with its `sid` are revoked all the same." }),
});

export const revokedToken = z.strictObject({
  sequence,
  revoked: z
    .enum(["token", "session"])
    .optional()
    .meta({ description: "What was revoked. Absent for an unknown token." }),
});

export const keyViews = z.array(
  z.strictObject({
    kid: keyId,
    alg: z.string(),
    state: z.enum(["pending", "active", "retiring", "removed"]),
    createdAt: seconds,
    activatesAt: seconds.meta({ description: "When it starts to sign." }),
    retiresAt: seconds.optional().meta({ description: "When it stops signing, if known." }),
    removedAt: seconds.optional().meta({ description: "When its publication ends, if known." }),
    killedAt: seconds.optional(),
  }),
);

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

export const newClient = z.strictObject({ ...clientFields, name: described(newName, NAME) });

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
  })
  .refine(({ clientId, ...change }) => Object.values(change).some((value) => value !== undefined), {
    message: "must have a field to change",
  })
  .meta({ examples: [{ clientId: "4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f", scopes: ["orders:read"] }] });

const clientView = z.strictObject({
  ...clientFields,
  clientId,
  createdAt: seconds,
  lastUsedAt: seconds
    .optional()
    .meta({ description: "When it last called or followed, up to two minutes late. Absent if it never did." }),
  secrets: z.array(z.strictObject({ createdAt: seconds, expiresAt: seconds.optional() })),
});
export const updatedClient = clientView;
export const clientViews = z.array(clientView);
export const createdClient = clientView.extend({
  clientSecret: z.string().meta({ description: "Shown once. The service stores only its hash." }),
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

export const auditQuery = z
  .strictObject({
    clientId: z.optional(clientId),
    action: z
      .string()
      .regex(/^[\w.]{1,64}$/)
      .optional(),
    outcome: z.enum(["allowed", "refused"]).optional(),
    from: seconds.optional().meta({ description: "Earliest time, inclusive." }),
    to: seconds.optional().meta({ description: "Latest time, exclusive." }),
    before: z
      .string()
      .regex(/^\w{1,64}$/)
      .optional()
      .meta({ description: "`next` of the previous page." }),
    limit: z.int().min(1).max(1000).default(100),
  })
  .prefault({});

export const auditPage = z.strictObject({
  records: z.array(
    z.strictObject({
      id: z.string(),
      at: seconds,
      clientId: z.string().optional(),
      clientName: z.string().optional().meta({ description: "Its current name; absent for a removed client." }),
      action: z.string(),
      outcome: z.enum(["allowed", "refused"]),
      reason: z.string().optional(),
      subject: z.string().optional(),
      jti: z.string().optional(),
      kid: z.string().optional(),
      target: z.string().optional(),
      expiresAt: seconds.optional().meta({ description: "When the issued token expires." }),
      address: z.string().optional(),
      count: z.int().optional(),
      fields: z.array(z.string()).optional().meta({ description: "The fields that `clients.update` changes." }),
    }),
  ),
  next: z.string().optional().meta({ description: "The `before` of the next page; absent on the last." }),
});
