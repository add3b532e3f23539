import { TRPCError } from "@trpc/server";
import { catalogue, type MintmarkError } from "../../errors.ts";

/** tRPC's code for each HTTP status of the catalogue. */
const CODES = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_SUPPORTED",
  409: "CONFLICT",
  412: "PRECONDITION_FAILED",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  429: "TOO_MANY_REQUESTS",
  499: "CLIENT_CLOSED_REQUEST",
  500: "INTERNAL_SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
} as const satisfies Record<(typeof catalogue)[keyof typeof catalogue]["status"], TRPCError["code"]>;

/** The `TRPCError` of an error of the catalogue. */
export function toTrpcError(cause: MintmarkError): TRPCError {
  return new TRPCError({ code: CODES[catalogue[cause.reason].status], message: cause.message, cause });
}
