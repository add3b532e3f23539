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

/** The context must have the request, or its header fields. On Node, prefer the request: see `rawHeaders`. */
export type BearerContext = { req: BearerRequest } | { req?: undefined; headers: HeaderFields };

const t = initTRPC.context<BearerContext>().create();

/** Not inferred: the inferred type names types of tRPC whose parameters differ between versions. */
type AuthProcedure<Claims> = ReturnType<typeof t.procedure.use<{ auth: Claims }>>;

/** Procedures that require a token, for `concat`. Both set `ctx.auth` to the claims. */
export type TrpcAuth<Claims> = {
  procedure: AuthProcedure<Claims>;
  /** The same procedure with one more required scope. */
  requireScope(scope: string): AuthProcedure<Claims>;
};

/**
 * Creates procedures that require a token, for any tRPC router:
 *
 *     const auth = trpcAuth(verifier);
 *     const protectedProcedure = publicProcedure.concat(auth.procedure);
 *     const orderProcedure = publicProcedure.concat(auth.requireScope("orders:write"));
 *
 * Both set `ctx.auth` to the typed claims. A refusal is a `TRPCError` of code UNAUTHORIZED, FORBIDDEN,
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

/** The header fields of refused calls, such as `WWW-Authenticate`: `responseMeta: ({ errors }) => ({ headers: bearerHeaders(errors) })`. */
export function bearerHeaders(errors: readonly TRPCError[]): Headers {
  // One response answers a whole batch: the first refusal counts.
  const error = errors.map(({ cause }) => cause).find((cause) => cause instanceof BearerRefusal);
  return new Headers(error && refusalHeaders(error));
}
