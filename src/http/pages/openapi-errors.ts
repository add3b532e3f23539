import type { TRPCError } from "@trpc/server";
import { catalogue, MintmarkError, type Reason } from "../../errors.ts";
import { explanations } from "../../explanations.ts";
import type { ErrorShape } from "../../router/error-shape.ts";
import type { ServedRouter } from "../../router/procedure.ts";
import { toTrpcError } from "../../verifier/middleware/trpc-error.ts";
import { shapeOf } from "../rpc/answers.ts";

export type JsonSchema = Record<string, unknown>;

type Answer = { reason: Reason; status: number; error: unknown };

/** One response per HTTP status, with an example for each reason behind it. */
export function describeErrors(router: ServedRouter, reasons: readonly Reason[]): JsonSchema {
  const answers = reasons.map((reason): Answer => {
    const error = toTrpcError(new MintmarkError(reason));
    return { reason, status: catalogue[reason].status, error: describedShape(router, error) };
  });
  const statuses = new Set(answers.map(({ status }) => status));
  return Object.fromEntries(
    [...statuses].map((status) => [status, errorResponse(answers.filter((answer) => answer.status === status))]),
  );
}

/** Empty if the router's formatter throws. */
function describedShape(router: ServedRouter, error: TRPCError): unknown {
  try {
    return shapeOf(router, error);
  } catch {
    return {};
  }
}

function errorResponse(answers: readonly Answer[]): JsonSchema {
  const [{ status } = { status: 0 }] = answers;
  const errors = answers.map(({ error }) => error);
  // The shape of a custom error formatter is unknown.
  const schema = errors.every(isOurs) ? errorSchema(errors) : object({ error: {} });
  const examples = Object.fromEntries(answers.map(({ reason, error }) => [reason, { value: { error } }]));
  return {
    description: answers.map(({ reason }) => explain(reason)).join("\n\n"),
    headers: { ...HEADERS[status], ...EVERY_HEADER },
    content: { "application/json": { schema, examples } },
  };
}

function explain(reason: Reason): string {
  const { meaning, remedy } = explanations[reason];
  return `\`${reason}\`: ${meaning} *${remedy}*`;
}

function isOurs(error: unknown): error is ErrorShape {
  const shape = error as { data?: { reason?: unknown } } | undefined;
  return typeof shape?.data?.reason === "string";
}

const text = { type: "string" };
const EVERY_HEADER = { "X-Request-Id": { description: "The id of the request in the log.", schema: text } };
/** Headers of an error, by status. */
const HEADERS: Record<number, JsonSchema> = {
  401: { "WWW-Authenticate": { description: "How to authenticate. Not sent to scripts of pages.", schema: text } },
  429: {
    "Retry-After": {
      description: "Seconds after which to retry.",
      required: true,
      schema: { type: "integer", minimum: 1 },
    },
  },
};

/** The envelope of errors. Programs decide by `reason`; messages are for people. */
function errorSchema(errors: readonly ErrorShape[]): JsonSchema {
  const oneOf = (values: readonly unknown[]) => ({ enum: [...new Set(values)] });
  const data = object({
    code: { ...text, ...oneOf(errors.map(({ data }) => data.code)) },
    httpStatus: { type: "integer", ...oneOf(errors.map(({ data }) => data.httpStatus)) },
    reason: { ...text, ...oneOf(errors.map(({ data }) => data.reason)) },
  });
  const more = { issues: { type: "array", items: object({ path: text, message: text }) }, path: text };
  const properties = { ...(data.properties as JsonSchema), ...more };
  return object({
    error: object({ message: text, code: { type: "integer" }, data: { ...data, properties } }),
  });
}

export function object(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}
