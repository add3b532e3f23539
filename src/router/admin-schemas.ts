import { z } from "zod";
import { KEY_PAIR_ALGORITHMS } from "../keys/public-jwk.ts";
import { identifier } from "../token/claims.ts";

const seconds = z.int().positive();
export const keyId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be a key's kid");
const clientId = identifier;

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
