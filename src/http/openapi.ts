import { type AnyTRPCProcedure, getTRPCErrorShape, TRPCError } from "@trpc/server";
import { z } from "zod";
import { catalogue, MintmarkError, type Reason } from "../errors.ts";
import type { ErrorShape, Meta, ServedRouter } from "../router/trpc.ts";

type JsonSchema = Record<string, unknown>;

/** What every procedure may answer beside its own refusals; the last two only to a request with a body. */
const COMMON: readonly Reason[] = ["malformed_request", "forbidden_origin", "internal_error"];
const COMMON_WITH_BODY: readonly Reason[] = [...COMMON, "payload_too_large", "unsupported_media_type"];

/** Describes the procedures as OpenAPI 3.1, just as they are called natively. All of it comes from their schemas. */
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
  const isQuery = _def.type === "query";
  const reasons = [...meta.errors, ...(isQuery ? COMMON : COMMON_WITH_BODY)];
  const [input] = _def.inputs;
  const operation = {
    operationId: name,
    tags: [name.includes(".") ? name.split(".")[0] : "tokens"],
    summary: meta.summary,
    description: meta.description,
    responses: { 200: success(meta.output), ...refusals(router, name, reasons) },
    ...(input !== undefined && inputOf(input as z.ZodType, isQuery)),
  };
  return { [isQuery ? "get" : "post"]: operation };
}

function inputOf(input: z.ZodType, isQuery: boolean): JsonSchema {
  const json = content(jsonSchema(input, "input"));
  if (!isQuery) return { requestBody: { required: true, content: json } };
  return { parameters: [{ name: "input", in: "query", required: false, description: "JSON", content: json }] };
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
  return {
    description: answers.map(({ reason }) => reason).join(", "),
    content: { "application/json": { schema: object({ error: { type: "object" } }), examples } },
  };
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

function object(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}

/** Swagger UI fills its form with the example, where the schema has one. */
function content({ examples, ...schema }: JsonSchema): JsonSchema {
  return { "application/json": { schema, ...(Array.isArray(examples) && { example: examples[0] }) } };
}
