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
import type { Rate } from "../service/throttle/call-limits.ts";
import { toTrpcError } from "../verifier/middleware/trpc-error.ts";

/** What a procedure knows about its request: how to find out who calls, and from where. */
export type Context = {
  /** Counts the call, where it is one of a limited rate. */
  authenticate: (rate?: Rate) => Promise<Caller>;
  /** By which calls without credentials are counted. Without it they are not. */
  address?: string;
  /** What the request is called in the log. Absent where there is none. */
  requestId?: () => string;
};

/** What the API description says about a procedure; and the rate, if any, that its calls are counted as. */
export type Meta = {
  summary: string;
  description: string;
  output: z.ZodType;
  errors: readonly Reason[];
  rate?: Rate;
};

/** What a procedure that is for clients alone may answer beside its own refusals. */
export const CLIENT_ERRORS: readonly Reason[] = [
  "invalid_client",
  "permission_denied",
  "too_many_attempts",
  "unavailable",
];

/** An error as clients read it. */
export type ErrorShape = TRPCErrorShape<{
  code: TRPCError["code"];
  httpStatus: number;
  /** Stable and closed: decide by it, not by the message. */
  reason: Reason;
  /** What is wrong with which field of the input. */
  issues?: readonly Issue[];
  /** The procedure, where there is one of that name. */
  path?: string;
}>;

/** What all procedures here have in common. */
export type RootTypes = { ctx: Context; meta: Meta; errorShape: ErrorShape; transformer: false };

/** Any router that can be served: the service's own, or one that holds it and more. */
export type ServedRouter = Pick<TRPCBuiltRouter<RootTypes, TRPCRouterRecord>, "_def" | "createCaller">;

/** Refusals that tRPC makes by itself, before a procedure runs. */
const reasonOfCode: Partial<Record<TRPCError["code"], Reason>> = {
  BAD_REQUEST: "malformed_request",
  PARSE_ERROR: "malformed_request",
  NOT_FOUND: "not_found",
  METHOD_NOT_SUPPORTED: "method_not_supported",
  UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
  PAYLOAD_TOO_LARGE: "payload_too_large",
  CLIENT_CLOSED_REQUEST: "client_closed_request",
};

const t = initTRPC.context<Context>().meta<Meta>().create({ isDev: false, errorFormatter: formatted });

type Formatted<Shape> = { error: TRPCError; shape: Shape; path: string | undefined };

function formatted({ error, shape, path }: Formatted<TRPCErrorShape<DefaultErrorData>>): ErrorShape {
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
 * Formats the errors of a router that holds a token router among others, so that refusals from the catalogue keep their
 * `data.reason` and inputs that are wrong their `data.issues`. All other errors stay as they are:
 *
 *     const t = initTRPC.context<Context>().create({ errorFormatter: tokenErrorFormatter });
 *     const appRouter = t.router({ auth: createTokenRouter(service), ... });
 */
export function tokenErrorFormatter<Shape extends TRPCErrorShape<DefaultErrorData>>(
  about: Formatted<Shape>,
): Shape | ErrorShape {
  const { code, cause } = about.error;
  const isOurs = cause instanceof MintmarkError || (code === "BAD_REQUEST" && cause instanceof z.core.$ZodError);
  return isOurs ? formatted(about) : about.shape;
}

export const router: typeof t.router = t.router;

/** A procedure that is open to all. Its work is to be {@link mapErrors}. */
export const openProcedure: typeof t.procedure = t.procedure;

/** Not as it would be inferred: the types of tRPC that it would name have more parameters in some versions than in others. */
type ClientProcedure = ReturnType<typeof t.procedure.use<{ caller: Caller }>>;

/**
 * Procedures for clients alone: the caller is authenticated before the input is read, but not before it was received.
 * A client that is removed while a body is on its way can do nothing by that body.
 */
export const clientProcedure: ClientProcedure = t.procedure.use(async ({ ctx, meta, getRawInput, next }) => {
  // What is wrong with the input is said to those who may call: it is read again when it is parsed.
  const isRead = await getRawInput().then(
    () => true,
    () => false,
  );
  // tRPC's types let a token router into one of another context.
  if (typeof ctx?.authenticate !== "function")
    throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: NO_CALLER });
  const result = await next({ ctx: { caller: await mapErrors(ctx.authenticate(meta?.rate)) } });
  if (result.ok) return result;
  const { code, cause } = result.error;
  if (cause instanceof MintmarkError) throw toTrpcError(cause);
  // tRPC calls it bad input as well when a schema throws by itself, as that of the claims may: no caller can mend that.
  if (isRead && code === "BAD_REQUEST" && !(cause instanceof z.core.$ZodError))
    throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: SCHEMA_THREW, cause });
  return result;
});

const SCHEMA_THREW = "The schema of the input threw an error of its own";

const NO_CALLER =
  "createContext must give `authenticate`, which says who calls a token router: `authenticate: async () => localCaller` for one";

/** Waits for work of which a refusal from the catalogue goes out with the tRPC code that it names. */
export async function mapErrors<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof MintmarkError ? toTrpcError(error) : error;
  }
}

/** The reason and the issues of whatever a call ended with; nothing else of it is ever sent. */
function toErrorShape({ code, cause }: TRPCError): { reason: Reason; issues: readonly Issue[] } {
  if (cause instanceof MintmarkError) return cause;
  if (code === "BAD_REQUEST" && cause instanceof z.core.$ZodError) {
    return { reason: "invalid_request", issues: cause.issues.slice(0, MAX_ISSUES).map(toIssue) };
  }
  return { reason: reasonOfCode[code] ?? "internal_error", issues: [] };
}

/** The reason of whatever a procedure threw. */
export function reasonOf(error: unknown): Reason {
  return toErrorShape(getTRPCErrorFromUnknown(error)).reason;
}

const MAX_ISSUES = 10;
const PLAIN_NAME = /^[A-Za-z_][\w-]{0,31}$/;

/** Says what is wrong in words that hold no input value: a misplaced secret must not come back in a message. */
function toIssue(issue: z.core.$ZodIssue): Issue {
  const path = issue.path.map(plainName).join(".");
  if (issue.code !== "unrecognized_keys") return { path, message: issue.message };
  return { path, message: `has no field ${issue.keys.map(plainName).join(", ")}` };
}

function issueMessage({ path, message }: Issue): string {
  return path === "" ? message : `${path} ${message}`;
}

/** A name as it may be repeated: one that could be a secret is not. */
export function plainName(name: PropertyKey): string {
  return typeof name === "number" || PLAIN_NAME.test(String(name)) ? String(name) : "(some name)";
}
