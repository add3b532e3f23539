import { z } from "zod";
import type { TokenService } from "../service/service.ts";
import type { IssuedToken, TokenRequest, VerificationRequest } from "../service/tokens.ts";
import { type ClaimsSchema, exampleOf, identifier, requestedClaims, scopeString } from "../token/claims.ts";

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
): z.ZodType<TokenRequest, GetTokenQuery<Schema>> {
  const fields = z.strictObject({
    subject: identifier
      .meta({ description: "Whom the token is about. Default: the caller itself.", examples: ["ada"] })
      .optional(),
    audience: identifier
      .meta({ description: "Which service the token is for. Default: the configured audience.", examples: ["orders"] })
      .optional(),
    scope: scope.optional(),
    expiresIn: z
      .int()
      .min(1)
      .max(service.maxTtl)
      .meta({ description: "Lifetime in seconds. Default: the configured one.", examples: [300] })
      .optional(),
    claims: requestedClaims(service.claims)
      .meta({ description: "Custom claims. May not name a registered claim." })
      .prefault({}),
  });
  return fields.prefault({}).meta(exampleFor(service.claims)) as unknown as z.ZodType<
    TokenRequest,
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

export const issuedToken: z.ZodType<IssuedToken> = z.strictObject({
  token: z.string().meta({ description: "The signed token: a JWT access token (RFC 9068)." }),
  tokenType: z.literal("Bearer"),
  expiresIn: z
    .int()
    .positive()
    .meta({ description: "Lifetime in seconds.", examples: [900] }),
  scope: z.string().meta({ description: "What was granted; empty when nothing in particular." }),
});

export const verifyTokenInput: z.ZodType<VerificationRequest, VerificationRequest> = z
  .strictObject({
    token: z.string().meta({ description: "The token to verify." }),
    audience: identifier
      .meta({
        description: "The audience the token must be for. Default: the configured audience.",
        examples: ["orders"],
      })
      .optional(),
    scope: scope.optional(),
  })
  .meta({ examples: [{ token: "put a token here" }] });
