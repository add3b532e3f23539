import {
  getTRPCErrorFromUnknown,
  initTRPC,
  type TRPCBuiltRouter,
  TRPCError,
  type TRPCErrorShape,
  type TRPCRouterRecord,
} from "@trpc/server";
import { z } from "zod";
import { catalogue, type Issue, MintmarkError, type Reason } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import type { Rate } from "../service/throttle/call-limits.ts";
import type { Permission } from "../store/client.ts";
import type { PresentedCredentials } from "../token/decode-basic.ts";
import { toTrpcError } from "../verifier/middleware/trpc-error.ts";

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

/** An error on the wire. */
export type ErrorShape = TRPCErrorShape<{
  code: TRPCError["code"];
  httpStatus: number;
  /** Stable: decide by it, not by the message. */
  reason: Reason;
  /** Errors of input fields. */
  issues?: readonly Issue[];
  /** The name of the procedure, if it exists. */
  path?: string;
}>;

/** The type parameters that all procedures share. */
export type RootTypes = { ctx: Context; meta: Meta; errorShape: ErrorShape; transformer: false };

/** A router that can be served: the service's own, or one that contains it. */
export type ServedRouter = Pick<TRPCBuiltRouter<RootTypes, TRPCRouterRecord>, "_def" | "createCaller">;

/** Reasons of errors that tRPC throws before a procedure runs. */
const reasonOfCode: Partial<Record<TRPCError["code"], Reason>> = {
  BAD_REQUEST: "malformed_request",
  PARSE_ERROR: "malformed_request",
  NOT_FOUND: "not_found",
  METHOD_NOT_SUPPORTED: "method_not_supported",
  UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
  PAYLOAD_TOO_LARGE: "payload_too_large",
  CLIENT_CLOSED_REQUEST: "client_closed_request",
};

const t = initTRPC.context<Context>().meta<Meta>().create({ isDev: false, errorFormatter: formatError });

type Formatted<Shape> = { error: TRPCError; shape: Shape; path: string | undefined };

function formatError({ error, shape, path }: Formatted<TRPCErrorShape<DefaultErrorData>>): ErrorShape {
  const { reason, issues } = toErrorShape(error);
  return {
    code: shape.code,
    message: [catalogue[reason].message, ...issues.slice(0, 1).map(issueMessage)].join(": "),
    data: {
      code: shape.data.code,
      httpStatus: shape.data.httpStatus,
      reason,
      ...(issues.length > 0 && { issues }),
      ...(path !== undefined && reason !== "not_found" && { path }),
    },
  };
}

type DefaultErrorData = Pick<ErrorShape["data"], "code" | "httpStatus" | "path"> & { stack?: string };

/**
 * Formats the errors of a router that contains a token router: errors of the catalogue have `data.reason`, and invalid input
 * has `data.issues`. Does not change other errors:
 *
 *     const t = initTRPC.context<Context>().create({ errorFormatter: tokenErrorFormatter });
 *     const appRouter = t.router({ auth: createTokenRouter(service), ... });
 */
export function tokenErrorFormatter<Shape extends TRPCErrorShape<DefaultErrorData>>(
  options: Formatted<Shape>,
): Shape | ErrorShape {
  const { code, cause } = options.error;
  const isOurs = cause instanceof MintmarkError || (code === "BAD_REQUEST" && cause instanceof z.core.$ZodError);
  return isOurs ? formatError(options) : options.shape;
}

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

/** The reason and the issues of an error: all of it that is sent. */
function toErrorShape({ code, cause }: TRPCError): { reason: Reason; issues: readonly Issue[] } {
  if (cause instanceof MintmarkError) return cause;
  if (code === "BAD_REQUEST" && cause instanceof z.core.$ZodError) {
    return { reason: "invalid_request", issues: cause.issues.slice(0, MAX_ISSUES).map(toIssue) };
  }
  return { reason: reasonOfCode[code] ?? "internal_error", issues: [] };
}

/** The reason of anything that a procedure threw. */
export function reasonOf(error: unknown): Reason {
  return toErrorShape(getTRPCErrorFromUnknown(error)).reason;
}

const MAX_ISSUES = 10;
const PLAIN_NAME = /^[A-Za-z_][\w-]{0,31}$/;

/** Describes a schema error without input values: a misplaced secret must not appear in a message. */
function toIssue(issue: z.core.$ZodIssue): Issue {
  const path = issue.path.map(plainName).join(".");
  if (issue.code !== "unrecognized_keys") return { path, message: issue.message };
  return { path, message: `has no field ${issue.keys.map(plainName).join(", ")}` };
}

function issueMessage({ path, message }: Issue): string {
  return path === "" ? message : `${path} ${message}`;
}

/** A name that is safe in a message; replaced if it could be a secret. */
export function plainName(name: PropertyKey): string {
  return typeof name === "number" || PLAIN_NAME.test(String(name)) ? String(name) : "(some name)";
}
