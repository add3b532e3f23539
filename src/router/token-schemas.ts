import { z } from "zod";
import type { TokenService } from "../service/service.ts";
import type { IssuedToken } from "../service/tokens/issue.ts";
import type { RefreshRequest, TokenRequest, VerificationRequest } from "../service/tokens/tokens.ts";
import { audience, type ClaimsSchema, identifier, scopeString } from "../token/claims.ts";
import { claimsSchema, exampleOf, requestedClaims } from "../token/describe-claims.ts";
import { described } from "./described.ts";

/** The input of `getToken`. `claims` is optional where their schema accepts `{}`. */
type GetTokenInput<Schema extends ClaimsSchema> = Omit<TokenRequest, "claims"> & RequestedClaims<z.input<Schema>>;

type RequestedClaims<Custom> = EmptyObject extends Custom ? { claims?: Custom | undefined } : { claims: Custom };
type EmptyObject = Record<never, never>;

/** {@link GetTokenInput}, or nothing where every field is optional. */
export type GetTokenQuery<Schema extends ClaimsSchema> =
  EmptyObject extends GetTokenInput<Schema> ? GetTokenInput<Schema> | undefined : GetTokenInput<Schema>;

const scope = described(scopeString, { description: "Scope tokens, separated by spaces.", examples: ["orders:read"] });

export function getTokenInput<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
): z.ZodType<TokenRequest<z.input<Schema>>, GetTokenQuery<Schema>> {
  const fields = z.strictObject({
    subject: z.optional(
      described(identifier, { description: "The subject (`sub`). Default: the caller.", examples: ["ada"] }),
    ),
    audience: z.optional(
      described(audience, {
        description: "The audience (`aud`), or a list. Default: the configured audience.",
        examples: ["orders"],
      }),
    ),
    scope: z.optional(scope),
    expiresIn: z
      .int()
      .min(1)
      .max(service.maxTtl)
      .meta({ description: "Lifetime in seconds. Default: the configured lifetime.", examples: [300] })
      .optional(),
    refreshable: z.boolean().meta({ description: "Whether to issue a refresh token too. Default: false." }).optional(),
    claims: z
      .prefault(requestedClaims(service.claims), {})
      .meta({ description: "Custom claims. Registered claims are rejected." }),
  });
  return fields.prefault({}).meta(exampleFor(service.claims)) as unknown as z.ZodType<
    TokenRequest<z.input<Schema>>,
    GetTokenQuery<Schema>
  >;
}

/** An example that can be sent unchanged. None if the schema requires claims and has no example. */
function exampleFor(claims: ClaimsSchema): { examples?: object[] } {
  const ownExample = exampleOf(claims);
  const { required = [] } = z.toJSONSchema(claims, { io: "input", unrepresentable: "any" });
  if (ownExample === undefined && required.length > 0) return {};
  return {
    examples: [{ subject: "ada", scope: "orders:read", ...(ownExample !== undefined && { claims: ownExample }) }],
  };
}

const refreshToken = z.string().min(1).max(255);

export const issuedToken: z.ZodType<IssuedToken> = z.strictObject({
  token: z.string().meta({ description: "The signed token: a JWT access token (RFC 9068)." }),
  tokenType: z.literal("Bearer"),
  expiresIn: z
    .int()
    .positive()
    .meta({ description: "Lifetime in seconds.", examples: [900] }),
  scope: z.string().meta({ description: "The granted scope; empty for none." }),
  refreshToken: refreshToken
    .meta({ description: "Renews the token, once: the answer has the next refresh token." })
    .optional(),
});

export const refreshTokenInput: z.ZodType<RefreshRequest, RefreshRequest> = z.strictObject({
  refreshToken: refreshToken.meta({ description: "The current refresh token." }),
  scope: z.optional(described(scope, { description: "A part of the granted scope. Default: all of it." })),
});

/** A token of any kind, possibly invalid. */
export const presentedToken: z.ZodType<{ token: string }, { token: string }> = z
  .strictObject({ token: z.string().meta({ description: "An access token or a refresh token." }) })
  .meta({ examples: [{ token: "put a token here" }] });

/** The answer of `introspectToken` (RFC 7662 §2.2). */
export function introspection(custom: ClaimsSchema): z.ZodType {
  const inactive = z.strictObject({ active: z.literal(false) });
  return z.union([inactive, z.intersection(z.object({ active: z.literal(true) }), claimsSchema(custom))]);
}

export const verifyTokenInput: z.ZodType<VerificationRequest, VerificationRequest> = z
  .strictObject({
    token: z.string().meta({ description: "The token to verify." }),
    audience: z.optional(
      described(audience, {
        description:
          "The audience that the token must have, or a list of alternatives. Default: the configured audience.",
        examples: ["orders"],
      }),
    ),
    scope: z.optional(scope),
  })
  .meta({ examples: [{ token: "put a token here" }] });
