import { getTRPCErrorFromUnknown, type TRPCError, type TRPCErrorShape } from "@trpc/server";
import { z } from "zod";
import { catalogue, type Issue, MintmarkError, type Reason } from "../errors.ts";

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

type Formatted<Shape> = { error: TRPCError; shape: Shape; path: string | undefined };

/** The error formatter of the token router. */
export function formatError({ error, shape, path }: Formatted<TRPCErrorShape<DefaultErrorData>>): ErrorShape {
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
