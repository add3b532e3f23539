import { z } from "zod";
import type { TokenService } from "../service/service.ts";
import type { IssuedToken } from "../service/tokens/issue.ts";
import type { RefreshRequest, TokenRequest, VerificationRequest } from "../service/tokens/tokens.ts";
import {
  audience,
  type ClaimsSchema,
  claimsSchema,
  exampleOf,
  identifier,
  requestedClaims,
  scopeString,
} from "../token/claims.ts";

/** What `getToken` is called with. The custom claims may be left out where their schema accepts `{}`. */
type GetTokenInput<Schema extends ClaimsSchema> = Omit<TokenRequest, "claims"> & RequestedClaims<z.input<Schema>>;

type RequestedClaims<Custom> = EmptyObject extends Custom ? { claims?: Custom | undefined } : { claims: Custom };
type EmptyObject = Record<never, never>;

/** As {@link GetTokenInput}, or nothing at all where everything may be left out. */
export type GetTokenQuery<Schema extends ClaimsSchema> =
  EmptyObject extends GetTokenInput<Schema> ? GetTokenInput<Schema> | undefined : GetTokenInput<Schema>;

const scope = scopeString.meta({ description: "Scope tokens, separated by spaces.", examples: ["orders:read"] });

export function getTokenInput<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
): z.ZodType<TokenRequest<z.input<Schema>>, GetTokenQuery<Schema>> {
  const fields = z.strictObject({
    subject: identifier
      .meta({ description: "Whom the token is about. Default: the caller itself.", examples: ["ada"] })
      .optional(),
    audience: audience
      .meta({
        description: "Which service the token is for, or a list of several. Default: the configured audience.",
        examples: ["orders"],
      })
      .optional(),
    scope: scope.optional(),
    expiresIn: z
      .int()
      .min(1)
      .max(service.maxTtl)
      .meta({ description: "Lifetime in seconds. Default: the configured one.", examples: [300] })
      .optional(),
    refreshable: z
      .boolean()
      .meta({ description: "Whether a refresh token is wanted beside it. Default: false." })
      .optional(),
    claims: z
      .prefault(requestedClaims(service.claims), {})
      .meta({ description: "Custom claims. May not name a registered claim." }),
  });
  return fields.prefault({}).meta(exampleFor(service.claims)) as unknown as z.ZodType<
    TokenRequest<z.input<Schema>>,
    GetTokenQuery<Schema>
  >;
}

/** Something to send as it stands. A schema that requires claims must bring its own example of them. */
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
  scope: z.string().meta({ description: "What was granted; empty when nothing in particular." }),
  refreshToken: refreshToken
    .meta({ description: "Exchanged for the next token, and for the next refresh token; once." })
    .optional(),
});

export const refreshTokenInput: z.ZodType<RefreshRequest, RefreshRequest> = z.strictObject({
  refreshToken: refreshToken.meta({ description: "The latest refresh token." }),
  scope: scope.meta({ description: "A part of what was granted. Default: all of it." }).optional(),
});

/** A token of any kind, as somebody presents it who may be mistaken. */
export const presentedToken: z.ZodType<{ token: string }, { token: string }> = z
  .strictObject({ token: z.string().meta({ description: "The token it is about." }) })
  .meta({ examples: [{ token: "put a token here" }] });

/** What `introspectToken` answers (RFC 7662 §2.2). */
export function introspection(custom: ClaimsSchema): z.ZodType {
  const inactive = z.strictObject({ active: z.literal(false) });
  return z.union([inactive, z.intersection(z.object({ active: z.literal(true) }), claimsSchema(custom))]);
}

export const verifyTokenInput: z.ZodType<VerificationRequest, VerificationRequest> = z
  .strictObject({
    token: z.string().meta({ description: "The token to verify." }),
    audience: audience
      .meta({
        description:
          "The audience the token must be for, or a list of which it must be for any. Default: the configured audience.",
        examples: ["orders"],
      })
      .optional(),
    scope: scope.optional(),
  })
  .meta({ examples: [{ token: "put a token here" }] });
