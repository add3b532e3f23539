import type { TRPCBuiltRouter, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";
import type { z } from "zod";
import type { DescribedSignIn, SignInReturn } from "../service/authorization/application-sign-in.ts";
import type { TokenService } from "../service/service.ts";
import type { IssuedToken } from "../service/tokens/issue.ts";
import type { Introspection } from "../service/tokens/revocations.ts";
import type { RefreshRequest, VerificationRequest } from "../service/tokens/tokens.ts";
import type { AnyClaims, Claims, ClaimsSchema } from "../token/claims.ts";
import { claimsSchema } from "../token/describe-claims.ts";
import { type AdminProcedures, adminProcedures } from "./admin-procedures.ts";
import type { ErrorShape } from "./error-shape.ts";
import { type PeopleProcedures, peopleProcedures, signInProcedures } from "./people-procedures.ts";
import type { AcceptInput } from "./people-schemas.ts";
import {
  CLIENT_ERRORS,
  type Context,
  createClientProcedure,
  type Meta,
  openProcedure,
  type RootTypes,
  router,
} from "./procedure.ts";
import {
  type GetTokenQuery,
  getTokenInput,
  introspection,
  issuedToken,
  presentedToken,
  refreshTokenInput,
  verifyTokenInput,
} from "./token-schemas.ts";
import { traced } from "./tracing.ts";
import { type TrustProcedures, trustProcedures } from "./trust-procedures.ts";

/** The type of the router, by the schema of the custom claims. Clients import it as a type. */
export type TokenRouter<Schema extends ClaimsSchema = AnyClaims> = TRPCBuiltRouter<
  RootTypes,
  {
    getToken: TRPCQueryProcedure<Definition<GetTokenQuery<Schema>, IssuedToken>>;
    verifyToken: TRPCMutationProcedure<Definition<VerificationRequest, Claims<z.output<Schema>>>>;
    refreshToken: TRPCMutationProcedure<Definition<RefreshRequest, IssuedToken>>;
    introspectToken: TRPCMutationProcedure<Definition<{ token: string }, Introspection<z.output<Schema>>>>;
    signIn: {
      describe: TRPCQueryProcedure<Definition<{ handle: string }, DescribedSignIn>>;
      accept: TRPCMutationProcedure<Definition<AcceptInput<Schema>, SignInReturn>>;
      refuse: TRPCMutationProcedure<Definition<{ handle: string }, SignInReturn>>;
    };
  } & TrustProcedures &
    AdminProcedures &
    PeopleProcedures
>;

type Definition<Input, Output> = { meta: Meta; input: Input; output: Output; errorShape: ErrorShape };

/** The root object of another router, whose context has what the procedures need. */
type Root = { readonly _config: { readonly $types: { readonly ctx: Context } } };

/**
 * Makes the tRPC router of a token service, to serve or to merge into another router:
 *
 *     const t = initTRPC.context<Context>().create({ errorFormatter: tokenErrorFormatter });
 *     const appRouter = t.router({ auth: createTokenRouter(service, t) });
 *
 * Given the root object of the other router, a context that lacks what the procedures need is a type error: tRPC's own types
 * accept it, and every call would fail.
 */
export function createTokenRouter<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  _root?: Root,
): TokenRouter<Schema> {
  const clientProcedure = createClientProcedure(service);
  const procedures = {
    getToken: clientProcedure
      .meta({
        summary: "Get a token",
        description: "Issues a signed access token. Every field is optional.",
        permission: "issue",
        output: issuedToken,
        errors: ["invalid_request", "rate_limited", ...CLIENT_ERRORS],
        rate: "issue",
      })
      .input(getTokenInput(service))
      .query(({ ctx, input }) => service.getToken(ctx.caller, input)),

    verifyToken: openProcedure
      .meta({
        summary: "Verify a token",
        description: "Returns the claims of a valid token. Change one letter of a token to see it rejected.",
        output: claimsSchema(service.claims),
        errors: [
          "invalid_request",
          "invalid_token",
          "token_expired",
          "not_yet_valid",
          "wrong_issuer",
          "wrong_audience",
          "token_revoked",
          "insufficient_scope",
          "rate_limited",
          "verifier_stale",
        ],
        rate: "verify",
      })
      .input(verifyTokenInput)
      .mutation(({ ctx, input }) => service.verifyToken(input, ctx?.address)),

    refreshToken: clientProcedure
      .meta({
        summary: "Refresh a token",
        description:
          "Issues the next access token and the next refresh token of a grant. A refresh token can be used once.",
        permission: "issue",
        output: issuedToken,
        errors: ["invalid_request", "invalid_refresh_token", "rate_limited", ...CLIENT_ERRORS],
        rate: "issue",
      })
      .input(refreshTokenInput)
      .mutation(({ ctx, input }) => service.refreshToken(ctx.caller, input)),

    introspectToken: clientProcedure
      .meta({
        summary: "Introspect a token",
        description:
          "Returns whether an access token of any audience is active, and its claims if it is. A client in the audience needs no permission.",
        permission: "introspect",
        output: introspection(service.claims),
        errors: ["invalid_request", "rate_limited", "verifier_stale", ...CLIENT_ERRORS],
        rate: "verify",
      })
      .input(presentedToken)
      .mutation(({ ctx, input }) => service.introspectToken(ctx.caller, input.token)),

    ...trustProcedures(service, clientProcedure),
    ...adminProcedures(service, clientProcedure),
    ...peopleProcedures(service, clientProcedure),
    signIn: signInProcedures(service, clientProcedure),
  };
  // The same types: tRPC writes them as conditional types, which stay unresolved for a generic schema.
  return router(traced(procedures, service.tracer)) as unknown as TokenRouter<Schema>;
}
