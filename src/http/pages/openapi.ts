import type { AnyTRPCProcedure } from "@trpc/server";
import { z } from "zod";
import { catalogue, type Reason } from "../../errors.ts";
import type { Metadata } from "../../oauth/metadata.ts";
import type { Meta, ServedRouter } from "../../router/procedure.ts";
import { GATEWAY_PATH } from "../gateway.ts";
import { type Access, type AccessMeta, describeAccess, securitySchemes } from "./openapi-access.ts";
import { describeErrors, type JsonSchema, object } from "./openapi-errors.ts";
import { gatewayPath } from "./openapi-gateway.ts";
import { oauthPaths } from "./openapi-oauth.ts";
import { shareResponses } from "./openapi-shared.ts";

/** Errors of every procedure. */
const COMMON: readonly Reason[] = [
  "malformed_request",
  "forbidden_origin",
  "payload_too_large",
  "unsupported_media_type",
  "internal_error",
];

/**
 * Describes the API as OpenAPI 3.1: the procedures from their schemas, and the endpoints of the metadata. Procedures are called by POST, since most generated clients cannot
 * send JSON in a URL. Omits what another router's procedures do not declare, and what JSON Schema cannot express.
 */
export function describeApi(router: ServedRouter, access: Access, metadata?: Metadata): JsonSchema {
  const procedures = Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);
  const callable = procedures.filter(([, { _def }]) => _def.type !== "subscription");
  const { paths, responses } = shareResponses({
    ...Object.fromEntries(
      callable.map(([name, procedure]) => [`/${name}`, describe(name, procedure, { router, access })]),
    ),
    [GATEWAY_PATH]: gatewayPath(access),
    ...(metadata !== undefined && oauthPaths(metadata, access)),
  });
  const { components, ...security } = securitySchemes(access);
  return {
    openapi: "3.1.0",
    info: {
      title: "Mintmark",
      version: "1",
      description:
        "Issues and verifies JSON Web Tokens. Get a token, verify it, change one letter, and verify it again.",
    },
    // Relative to this document, for a proxy that adds a path.
    servers: [{ url: "trpc" }],
    ...security,
    components: { ...components, responses },
    paths,
  };
}

type Described = { router: ServedRouter; access: Access };

function describe(name: string, { _def }: AnyTRPCProcedure, { router, access }: Described): JsonSchema {
  const meta = metaOf(_def.meta);
  const { fields, text } = describeAccess(meta, access);
  const description = [meta.description, text].filter(Boolean).join("\n\n");
  const reasons = [...new Set([...meta.errors, ...COMMON])];
  const operation = {
    operationId: name,
    tags: [name.includes(".") ? name.split(".")[0] : "tokens"],
    ...(meta.summary !== undefined && { summary: meta.summary }),
    ...(description !== "" && { description }),
    ...fields,
    // Required even where every field is optional: a page could send a request without a content type (CSRF).
    requestBody: { required: true, content: content(inputSchema(_def.inputs)) },
    responses: { 200: success(meta.output ?? outputIn(_def)), ...describeErrors(router, reasons) },
  };
  return { post: operation };
}

type ReadMeta = AccessMeta & { summary?: string; description?: string; output?: unknown };

/** Reads the meta of a procedure. That of another router may have any shape. */
function metaOf(meta: unknown): ReadMeta {
  const said: { [Name in keyof Meta]?: unknown } = typeof meta === "object" && meta !== null ? meta : {};
  const { summary, description, output, errors, permission, rate } = said;
  return {
    permission,
    rate,
    ...(typeof summary === "string" && { summary }),
    ...(typeof description === "string" && { description }),
    ...(output !== undefined && { output }),
    errors: Array.isArray(errors) ? errors.filter((reason): reason is Reason => Object.hasOwn(catalogue, reason)) : [],
  };
}

/** The output parser, which tRPC's types do not declare. */
function outputIn(definition: object): unknown {
  return "output" in definition ? definition.output : undefined;
}

/** tRPC merges the outputs of several input parsers. */
function inputSchema(inputs: readonly unknown[]): JsonSchema {
  const [first = z.strictObject({}), ...others] = inputs;
  if (others.length === 0) return jsonSchema(first, "input");
  const whole = { allOf: inputs.map((input) => jsonSchema(input, "input")) };
  openParts(whole);
  return whole;
}

function success(output: unknown): JsonSchema {
  const { examples, ...schema } = jsonSchema(output, "output");
  const result = object({ data: schema });
  const example = Array.isArray(examples) && { examples: [{ result: { data: examples[0] } }] };
  return { description: "OK", content: content({ ...object({ result }), ...example }) };
}

/** A schema of zod 4 as JSON Schema; `{}` for other validators and for what JSON Schema cannot express. */
function jsonSchema(schema: unknown, io: "input" | "output"): JsonSchema {
  if (typeof schema !== "object" || schema === null || !("_zod" in schema)) return {};
  try {
    const { $schema, ...rest } = z.toJSONSchema(schema as z.core.$ZodType, { io, unrepresentable: "any" });
    openParts(rest);
    return rest;
  } catch {
    return {};
  }
}

/** A part of an `allOf` must not forbid members of the others: custom claims are beside registered ones. */
function openParts(schema: unknown, isPart = false): void {
  if (typeof schema !== "object" || schema === null) return;
  const { allOf, ...others } = schema as { allOf?: unknown[]; additionalProperties?: unknown };
  if (isPart && others.additionalProperties === false) delete (schema as JsonSchema).additionalProperties;
  for (const part of allOf ?? []) openParts(part, true);
  for (const other of Object.values(others)) openParts(other);
}

/** Swagger UI fills its form with the example. */
function content({ examples, ...schema }: JsonSchema): JsonSchema {
  return { "application/json": { schema, ...(Array.isArray(examples) && { example: examples[0] }) } };
}
