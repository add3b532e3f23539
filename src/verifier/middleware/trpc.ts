import { initTRPC, type TRPCError } from "@trpc/server";
import {
  type BearerOptions,
  type BearerRequest,
  createAuthenticate,
  type HeaderFields,
  type TokenVerifier,
  withScope,
} from "./bearer.ts";
import { BearerRefusal, refusalHeaders } from "./refusal.ts";
import { toTrpcError } from "./trpc-error.ts";

/** What the context must hold: the request, or its header fields alone. With Node, prefer the request: see `rawHeaders`. */
export type BearerContext = { req: BearerRequest } | { req?: undefined; headers: HeaderFields };

const t = initTRPC.context<BearerContext>().create();

/** Not as it would be inferred: the types of tRPC that it would name have more parameters in some versions than in others. */
type AuthProcedure<Claims> = ReturnType<typeof t.procedure.use<{ auth: Claims }>>;

/** Procedures that a token protects, to be concatenated to your own. Both give `ctx.auth`, the claims. */
export type TrpcAuth<Claims> = {
  procedure: AuthProcedure<Claims>;
  /** The same, and tokens without this scope are refused. */
  requireScope(scope: string): AuthProcedure<Claims>;
};

/**
 * Makes procedures that a token protects, for any tRPC router:
 *
 *     const auth = trpcAuth(verifier);
 *     const protectedProcedure = publicProcedure.concat(auth.procedure);
 *     const orderProcedure = publicProcedure.concat(auth.requireScope("orders:write"));
 *
 * Both give `ctx.auth`, the typed claims. A refusal is a `TRPCError` of code UNAUTHORIZED, FORBIDDEN,
 * BAD_REQUEST or SERVICE_UNAVAILABLE, whose `cause` is a {@link BearerRefusal}. See also {@link bearerHeaders}.
 */
export function trpcAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): TrpcAuth<Claims> {
  function procedureWith(options: BearerOptions): AuthProcedure<Claims> {
    const authenticate = createAuthenticate(verifier, options);
    return t.procedure.use(async ({ ctx, next }) => {
      const claims = await authenticate(ctx.req === undefined ? ctx : ctx.req);
      if (!(claims instanceof BearerRefusal)) return next({ ctx: { auth: claims } });
      throw toTrpcError(claims);
    });
  }

  return {
    procedure: procedureWith(options),
    requireScope: (scope: string) => procedureWith(withScope(options, scope)),
  };
}

/** The header fields of refused calls, `WWW-Authenticate` among them: `responseMeta: ({ errors }) => ({ headers: bearerHeaders(errors) })`. */
export function bearerHeaders(errors: readonly TRPCError[]): Headers {
  // Of a batch with several refusals, the first speaks for all.
  const error = errors.map(({ cause }) => cause).find((cause) => cause instanceof BearerRefusal);
  return new Headers(error && refusalHeaders(error));
}
