import { type AnyTRPCProcedure, getTRPCErrorShape, TRPCError } from "@trpc/server";
import { z } from "zod";
import { catalogue, MintmarkError, type Reason } from "../errors.ts";
import type { ErrorShape, Meta, ServedRouter } from "../router/trpc.ts";

type JsonSchema = Record<string, unknown>;

/** What every procedure may answer beside its own refusals. */
const COMMON: readonly Reason[] = [
  "malformed_request",
  "forbidden_origin",
  "payload_too_large",
  "unsupported_media_type",
  "internal_error",
];

/**
 * Describes the procedures as OpenAPI 3.1. All of it comes from their schemas. Each is called by POST, queries too: of
 * generated clients most cannot put JSON into a URL.
 */
export function describeApi(router: ServedRouter): JsonSchema {
  const procedures = Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);
  const callable = procedures.filter(([, { _def }]) => _def.type !== "subscription");
  return {
    openapi: "3.1.0",
    info: {
      title: "Mintmark",
      version: "1",
      description:
        "Issues and verifies JSON Web Tokens. Get a token, verify it, change one letter, and verify it again.",
    },
    // Relative to this document, wherever a proxy puts it.
    servers: [{ url: "trpc" }],
    components: {
      securitySchemes: { client: { type: "http", scheme: "basic", description: "A client's id and secret." } },
    },
    security: [{}, { client: [] }],
    paths: Object.fromEntries(callable.map(([name, procedure]) => [`/${name}`, describe(router, name, procedure)])),
  };
}

function describe(router: ServedRouter, name: string, { _def }: AnyTRPCProcedure): JsonSchema {
  const meta = _def.meta as Meta;
  const [input = z.strictObject({})] = _def.inputs;
  const operation = {
    operationId: name,
    tags: [name.includes(".") ? name.split(".")[0] : "tokens"],
    summary: meta.summary,
    description: meta.description,
    // Also where all of it may be left out: without a body there is no content type, and a page could send it.
    requestBody: { required: true, content: content(jsonSchema(input as z.ZodType, "input")) },
    responses: { 200: success(meta.output), ...refusals(router, name, [...new Set([...meta.errors, ...COMMON])]) },
  };
  return { post: operation };
}

function success(output: z.ZodType): JsonSchema {
  const { examples, ...schema } = jsonSchema(output, "output");
  const result = object({ data: schema });
  const example = Array.isArray(examples) && { examples: [{ result: { data: examples[0] } }] };
  return { description: "OK", content: content({ ...object({ result }), ...example }) };
}

/** One response per HTTP status, with an example for each reason behind it. */
function refusals(router: ServedRouter, path: string, reasons: readonly Reason[]): JsonSchema {
  const config = router._def._config;
  const answers = reasons.map((reason) => {
    const error = new TRPCError({ code: catalogue[reason].code, cause: new MintmarkError(reason) });
    return {
      reason,
      error: getTRPCErrorShape({ config, error, type: "unknown", path, input: undefined, ctx: undefined }),
    };
  });
  const statuses = new Set(answers.map(({ error }) => error.data.httpStatus));
  return Object.fromEntries(
    [...statuses].map((status) => [status, refusal(answers.filter(({ error }) => error.data.httpStatus === status))]),
  );
}

function refusal(answers: readonly { reason: Reason; error: ErrorShape }[]): JsonSchema {
  const examples = Object.fromEntries(answers.map(({ reason, error }) => [reason, { value: { error } }]));
  const reasons = answers.map(({ reason }) => reason);
  const [status] = answers.map(({ error }) => error.data.httpStatus);
  return {
    description: reasons.join(", "),
    headers: { ...(status !== undefined && HEADERS[status]), ...EVERY_HEADER },
    content: { "application/json": { schema: errorSchema(answers.map(({ error }) => error)), examples } },
  };
}

const text = { type: "string" };
const EVERY_HEADER = { "X-Request-Id": { description: "What the request is called in the log.", schema: text } };
/** What else a refusal says in headers, by status. */
const HEADERS: Record<number, JsonSchema> = {
  401: { "WWW-Authenticate": { description: "How to authenticate. Not for pages.", schema: text } },
  429: {
    "Retry-After": {
      description: "When to come again, in seconds.",
      required: true,
      schema: { type: "integer", minimum: 1 },
    },
  },
};

/** The envelope of errors. By their reason callers decide; messages are for people. */
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

function jsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  openParts(rest);
  return rest;
}

/** Parts of one whole must not forbid what the others have: custom claims stand beside the registered ones. */
function openParts(schema: unknown, isPart = false): void {
  if (typeof schema !== "object" || schema === null) return;
  const { allOf, ...others } = schema as { allOf?: unknown[]; additionalProperties?: unknown };
  if (isPart && others.additionalProperties === false) delete (schema as JsonSchema).additionalProperties;
  for (const part of allOf ?? []) openParts(part, true);
  for (const other of Object.values(others)) openParts(other);
}

function object(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}

/** Swagger UI fills its form with the example, where the schema has one. */
function content({ examples, ...schema }: JsonSchema): JsonSchema {
  return { "application/json": { schema, ...(Array.isArray(examples) && { example: examples[0] }) } };
}
