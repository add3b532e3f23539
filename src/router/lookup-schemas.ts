import { z } from "zod";
import { audience, identifier } from "../token/claims.ts";
import { described } from "./described.ts";

export const seconds = z.int().positive();
export const clientName = z.string().optional().meta({ description: "Its current name; absent for a removed client." });

/** The `sid` of a grant. */
export const sessionId = z.string().regex(/^[\w-]{1,64}$/, "must be the sid of a grant");

export const findTokenInput = z
  .strictObject({ jti: described(identifier, { description: "The `jti` of the token." }) })
  .meta({ examples: [{ jti: "AZ60E7UAvdzh0nN0dVkJS8YN" }] });

export const foundToken = z.strictObject({
  jti: z.string(),
  issued: z
    .strictObject({
      at: seconds,
      action: z.string().meta({ description: "Such as `getToken`, `refreshToken` or `exchangeCode`." }),
      clientId: z.string().optional(),
      clientName,
      subject: z.string().optional(),
      kid: z.string().optional(),
      sid: z
        .string()
        .optional()
        .meta({ description: "Its sign-in session, else its grant. Absent for a token with neither." }),
      grantId: z.string().optional().meta({ description: "The grant of a token that came by a sign-in." }),
      expiresAt: seconds.optional(),
    })
    .optional()
    .meta({ description: "Absent where no audit record has this `jti`." }),
  expired: z.boolean().optional().meta({ description: "Absent where that is not known." }),
  revocations: z
    .array(
      z.strictObject({
        kind: z.enum(["token", "session", "subject", "client", "key"]),
        at: seconds,
        clientId: z.string().optional().meta({ description: "Who revoked it; for `token` only." }),
        clientName,
      }),
    )
    .meta({ description: "Revocations of the token, its grant, subject or client since, and its key. Oldest first." }),
});

/** Which page of a list that is sorted by time, newest first. */
export const pageQuery = {
  before: z
    .string()
    .regex(/^\d{1,12}\.[\w-]{1,64}$/)
    .optional()
    .meta({ description: "`next` of the previous page." }),
  limit: z.int().min(1).max(1000).default(100),
};

export const grantsQuery = z.strictObject({
  subject: described(identifier, { description: "The subject of the grants.", examples: ["ada"] }),
  ...pageQuery,
});

export const grantPage = z.strictObject({
  grants: z.array(
    z.strictObject({
      sid: z.string(),
      signIn: z.string().optional().meta({ description: "The `sid` of the sign-in session that it came by." }),
      clientId: z.string(),
      clientName,
      subject: z.string(),
      audience,
      scope: z.string().optional(),
      createdAt: seconds,
      expiresAt: seconds.meta({ description: "When it ends." }),
      idleUntil: seconds.meta({ description: "When it ends unless it is refreshed before." }),
    }),
  ),
  next: z.string().optional().meta({ description: "The `before` of the next page; absent on the last." }),
});
