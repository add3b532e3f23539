import { initTRPC, type TRPCBuiltRouter, TRPCError, type TRPCRouterRecord } from "@trpc/server";
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

/** A procedure for everybody. Wrap its work in {@link mapErrors}. */
export const openProcedure: typeof t.procedure = t.procedure;

/** Declared: the inferred type names types of tRPC whose number of parameters differs between versions. */
export type ClientProcedure = ReturnType<typeof t.procedure.use<{ caller: Caller }>>;

/**
 * Makes the procedure for authenticated clients. It authenticates after the body has arrived, and before the input is
 * parsed: a client that is removed while its body is in transit gets nothing.
 */
export function createClientProcedure({ authenticate }: Pick<TokenService, "authenticate">): ClientProcedure {
  const callerOf = async (ctx: Context | undefined, rate: Rate | undefined): Promise<Caller> => {
    if (ctx?.client !== undefined) return authenticate(ctx.client.credentials, ctx.client.address, rate);
    // tRPC's types accept a router of another context.
    if (typeof ctx?.authenticate !== "function")
      throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: NO_CALLER });
    return ctx.authenticate(rate);
  };
  return t.procedure.use(async ({ ctx, meta, getRawInput, next }) => {
    // Only clients learn what is wrong with the input, so its parser throws the error again.
    const isRead = await getRawInput().then(
      () => true,
      () => false,
    );
    const result = await next({ ctx: { caller: await mapErrors(callerOf(ctx, meta?.rate)) } });
    if (result.ok) return result;
    const { code, cause } = result.error;
    if (cause instanceof MintmarkError) throw toTrpcError(cause);
    // tRPC also reports BAD_REQUEST when a schema itself throws, as one for claims may: a fault of the server.
    if (isRead && code === "BAD_REQUEST" && !(cause instanceof z.core.$ZodError))
      throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: SCHEMA_THREW, cause });
    return result;
  });
}

const SCHEMA_THREW = "The schema of the input threw an error of its own";

const NO_CALLER =
  "createContext must give `authenticate`, which says who calls a token router: `authenticate: async () => localCaller` for one";

/** Rethrows errors of the catalogue as `TRPCError`s. */
export async function mapErrors<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof MintmarkError ? toTrpcError(error) : error;
  }
}
