import type { TRPCBuiltRouter, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";
import type { z } from "zod";
import type { IssuedToken, TokenService, VerificationRequest } from "../service/service.ts";
import { type AnyClaims, type Claims, type ClaimsSchema, claimsSchema } from "../token/claims.ts";
import { type GetTokenQuery, getTokenInput, issuedToken, verifyTokenInput } from "./schemas.ts";
import { type ErrorShape, type Meta, procedure, type RootTypes, router } from "./trpc.ts";

/** The procedures and their types, generic over the schema of the custom claims. A client imports it as a type. */
export type TokenRouter<Schema extends ClaimsSchema = AnyClaims> = TRPCBuiltRouter<
  RootTypes,
  {
    getToken: TRPCQueryProcedure<Definition<GetTokenQuery<Schema>, IssuedToken>>;
    verifyToken: TRPCMutationProcedure<Definition<VerificationRequest, Claims<z.output<Schema>>>>;
  }
>;

type Definition<Input, Output> = { meta: Meta; input: Input; output: Output; errorShape: ErrorShape };

/** Puts a token service behind a tRPC router, to be served or to be merged into another one. */
export function createTokenRouter<Schema extends ClaimsSchema>(service: TokenService<Schema>): TokenRouter<Schema> {
  const tokenRouter = router({
    getToken: procedure
      .meta({
        summary: "Get a token",
        description: "Issues a signed access token. Every field may be left out, and so may the whole input.",
        output: issuedToken,
        errors: ["invalid_request"],
      })
      .input(getTokenInput(service))
      .query(({ ctx, input }) => service.getToken(ctx.caller, input)),

    verifyToken: procedure
      .meta({
        summary: "Verify a token",
        description: "Gives the claims of a token, or refuses it. Change one letter of it and see.",
        output: claimsSchema(service.claims),
        errors: [
          "invalid_request",
          "invalid_token",
          "token_expired",
          "not_yet_valid",
          "wrong_issuer",
          "wrong_audience",
          "insufficient_scope",
        ],
      })
      .input(verifyTokenInput)
      .mutation(({ input }) => service.verifyToken(input)),
  });
  // The same types, but tRPC writes them as conditionals that stay open until the schema is known.
  return tokenRouter as TokenRouter<Schema>;
}
