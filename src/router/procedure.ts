import {
  getTRPCErrorFromUnknown,
  initTRPC,
  type TRPCBuiltRouter,
  TRPCError,
  type TRPCRouterRecord,
} from "@trpc/server";
import { z } from "zod";
import { MintmarkError, type Reason } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import type { Rate } from "../service/throttle/call-limits.ts";
import type { Permission } from "../store/client.ts";
import type { PresentedCredentials } from "../token/decode-basic.ts";
import { toTrpcError } from "../verifier/middleware/trpc-error.ts";
import { type ErrorShape, formatError } from "./error-shape.ts";

/** The context of a procedure. */
export type Context = (AuthenticatedContext | ReceivedContext) & {
  /** The address that rate limits count calls without credentials by. Default: such calls are not limited. */
  address?: string | undefined;
};

/** A context of your own. `authenticate` returns the caller; it receives the rate limit of the procedure. */
type AuthenticatedContext = { authenticate: (rate?: Rate) => Promise<Caller>; client?: undefined };

/** The context of a request, as the server of this package and `tokenContext` make it. The service authenticates the client. */
export type ReceivedContext = { client: ContextClient; authenticate?: undefined };

/** The client of a request, as received. */
export type ContextClient = {
  readonly credentials?: PresentedCredentials | undefined;
  /** Default: no limit by address applies. */
  readonly address?: string | undefined;
};

/** The API description of a procedure. */
export type Meta = {
  summary: string;
  description: string;
  /** What the service requires of the client, for the description alone. Absent for a public procedure. */
  permission?: Permission;
  output: z.ZodType;
  errors: readonly Reason[];
  /** The rate limit that counts it. {@link createClientProcedure} applies it. */
  rate?: Rate;
  /** Whether a subscription gives many clients the same data, and `return` ends it also while it waits. */
  isShared?: boolean;
};

/** Errors of every procedure for authenticated clients. */
export const CLIENT_ERRORS: readonly Reason[] = [
  "invalid_client",
  "permission_denied",
  "too_many_attempts",
  "unavailable",
];

/** The type parameters that all procedures share. */
export type RootTypes = { ctx: Context; meta: Meta; errorShape: ErrorShape; transformer: false };

/** A router that can be served: the service's own, or one that contains it. */
export type ServedRouter = Pick<TRPCBuiltRouter<RootTypes, TRPCRouterRecord>, "_def" | "createCaller">;

const t = initTRPC.context<Context>().meta<Meta>().create({ isDev: false, errorFormatter: formatError });

export const router: typeof t.router = t.router;

/** The part of tRPC's builder that the procedures use. Declared: inferred types of tRPC differ between its versions. */
export type OpenProcedure = Pick<typeof t.procedure, "meta">;
export type ClientProcedure = Pick<ReturnType<typeof t.procedure.use<{ caller: Caller }>>, "meta">;

/** A procedure for everybody. */
export const openProcedure: OpenProcedure = directProcedure((context) => context) as unknown as OpenProcedure;

/**
 * Makes the procedure for authenticated clients. It authenticates after the body has arrived, and before the input is
 * parsed: a client that is removed while its body is in transit gets nothing.
 */
export function createClientProcedure({ authenticate }: Pick<TokenService, "authenticate">): ClientProcedure {
  const callerOf = (ctx: Context | undefined, rate: Rate | undefined): Promise<Caller> => {
    if (ctx?.client !== undefined) return authenticate(ctx.client.credentials, ctx.client.address, rate);
    // tRPC's types accept a router of another context.
    if (typeof ctx?.authenticate !== "function")
      throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: NO_CALLER });
    return ctx.authenticate(rate);
  };
  const contextOf: ContextOf = async (ctx, rate) => ({ ...ctx, caller: await callerOf(ctx, rate) });
  return directProcedure(contextOf) as unknown as ClientProcedure;
}

const NO_CALLER =
  "createContext must give `authenticate`, which says who calls a token router: `authenticate: async () => localCaller` for one";

/** Makes the context of the resolver. Throws where the caller may not call. */
type ContextOf = (ctx: Context | undefined, rate: Rate | undefined) => unknown;

type Resolve = (options: { ctx: unknown; input: unknown; signal: AbortSignal | undefined }) => unknown;
type Call = { ctx: Context | undefined; getRawInput: () => Promise<unknown>; signal: AbortSignal | undefined };

/**
 * Builds procedures of tRPC whose calls are one function. tRPC's chain of middlewares takes 7 µs a call, as long as the rest
 * of verifyToken.
 */
function directProcedure(contextOf: ContextOf) {
  const build = (meta: Meta, schema: z.ZodType) => {
    const { query, mutation, subscription } = t.procedure.meta(meta).input(schema);
    const direct = (make: (resolve: never) => object) => (resolve: Resolve) =>
      Object.assign(directCall(resolve, { schema, contextOf, rate: meta.rate }), make(resolve as never));
    return { query: direct(query), mutation: direct(mutation), subscription: direct(subscription) };
  };
  return { meta: (meta: Meta) => ({ input: (schema: z.ZodType) => build(meta, schema) }) };
}

type CallParts = { schema: z.ZodType; contextOf: ContextOf; rate: Rate | undefined };

function directCall(resolve: Resolve, { schema, contextOf, rate }: CallParts) {
  return async ({ ctx, getRawInput, signal }: Call): Promise<unknown> => {
    try {
      let input: unknown;
      let unread: { error: unknown } | undefined;
      try {
        input = await getRawInput();
      } catch (error) {
        unread = { error };
      }
      const context = await contextOf(ctx, rate);
      // Only callers who may call learn what is wrong with the input.
      if (unread !== undefined) throw unread.error;
      return await resolve({ ctx: context, input: parse(schema, input), signal });
    } catch (error) {
      throw toError(error);
    }
  };
}

function parse(schema: z.ZodType, input: unknown): unknown {
  try {
    return schema.parse(input);
  } catch (cause) {
    if (cause instanceof MintmarkError) throw cause;
    // A schema of claims may throw errors of its own, which are no fault of the caller.
    const isInvalid = cause instanceof z.core.$ZodError;
    throw new TRPCError(
      isInvalid
        ? { code: "BAD_REQUEST", cause }
        : { code: "INTERNAL_SERVER_ERROR", message: "The schema of the input threw an error of its own", cause },
    );
  }
}

/** Errors of the catalogue keep their reason. The first line saves most refusals the text of a stack, which tRPC reads. */
function toError(thrown: unknown): TRPCError {
  if (thrown instanceof MintmarkError) return toTrpcError(thrown);
  const error = getTRPCErrorFromUnknown(thrown);
  return error.cause instanceof MintmarkError ? toTrpcError(error.cause) : error;
}
