import { z } from "zod";
import { MintmarkError } from "../../errors.ts";
import { errorAnswer } from "../../oauth/answers.ts";
import { type DescribedEndpoint, describedEndpoints } from "../../oauth/described.ts";
import type { Metadata } from "../../oauth/metadata.ts";
import type { Access } from "./openapi-access.ts";
import { type JsonSchema, object } from "./openapi-errors.ts";

const text = { type: "string" };

/** Describes the endpoints of OAuth and OpenID Connect that work, which are beside the procedures. */
export function oauthPaths(metadata: Metadata, { open }: Pick<Access, "open">): JsonSchema {
  return Object.fromEntries(
    describedEndpoints(metadata).map((endpoint) => {
      const { path, method, summary, standard, caller } = endpoint;
      const operation = {
        operationId: operationIdOf(path),
        tags: ["oauth"],
        summary,
        description: `${standard}.`,
        ...(!open && { security: SECURITY[caller] }),
        ...requestOf(endpoint),
        responses: { ...successOf(endpoint), ...errorsOf(endpoint) },
      };
      // Relative to the document.
      return [path, { servers: [{ url: "." }], [method]: operation }];
    }),
  );
}

/** A public client, and one that sends its credentials in the form, has no header. */
const SECURITY = { client: [{ client: [] }, {}], anyClient: [{ client: [] }, {}], token: [{ token: [] }], nobody: [] };

/** Such as `oauth_token`. */
function operationIdOf(path: string): string {
  return path.replace("/.well-known/", "").replace(/^\//, "").replace(/\W/g, "_");
}

function requestOf({ method, parameters, isDocument = false }: DescribedEndpoint): JsonSchema {
  if (parameters === undefined) return {};
  const schema = schemaOf(parameters, "input");
  const type = isDocument ? "application/json" : "application/x-www-form-urlencoded";
  const { properties, required = [] } = schema as { properties: Record<string, JsonSchema>; required?: string[] };
  if (method === "post") {
    // Else the page at /docs would send "string" for each parameter that may be left out.
    const blankOf = (name: string, { type }: JsonSchema) =>
      !isDocument && !required.includes(name) && { example: type === "array" ? [] : "" };
    const entries = Object.entries(properties).map(([name, one]) => [name, { ...one, ...blankOf(name, one) }]);
    const described = { ...schema, properties: Object.fromEntries(entries) };
    return { requestBody: { required: true, content: { [type]: { schema: described } } } };
  }
  return {
    parameters: Object.entries(properties).map(([name, { description, ...schema }]) => ({
      ...{ name, in: "query", required: required.includes(name), schema },
      ...(description !== undefined && { description }),
    })),
  };
}

function successOf({ answer, isDocument = false }: DescribedEndpoint): JsonSchema {
  if (answer === "empty") return { 200: { description: "OK, whether or not there was such a token." } };
  if (answer === "browser") {
    const page = { "text/html": { schema: text } };
    return {
      200: { description: "A page for the person.", content: page },
      303: { description: "To the client, or to a page for the person.", headers: { Location: { schema: text } } },
      400: { description: "A page that says why the browser is not sent to the client.", content: page },
    };
  }
  const content = { "application/json": { schema: schemaOf(answer, "output") } };
  return isDocument ? { 201: { description: "Created", content } } : { 200: { description: "OK", content } };
}

/** As the endpoints answer them: by status, with all reasons behind it. */
function errorsOf({ errors, errorOf }: DescribedEndpoint): JsonSchema {
  const answers = errors.map((error) => {
    const [reason, path] = typeof error === "string" ? [error] : error;
    const issues = path === undefined ? [] : [{ path, message: "" }];
    const { status, headers, body } = errorAnswer(new MintmarkError(reason, { issues }), {
      ...(errorOf !== undefined && { errorOf }),
    });
    const { error: code, error_reason } = JSON.parse(body) as { error: string; error_reason: string };
    return { status, mayRetry: "retry-after" in headers, error: code, error_reason };
  });
  return Object.fromEntries(
    [...new Set(answers.map(({ status }) => status))].map((status) => {
      const ofStatus = answers.filter((one) => one.status === status);
      const each = (name: "error" | "error_reason") => ({
        ...text,
        enum: [...new Set(ofStatus.map((one) => one[name]))],
      });
      const schema = object({ error: each("error"), error_description: text, error_reason: each("error_reason") });
      const retry = ofStatus.some(({ mayRetry }) => mayRetry) && { headers: { "Retry-After": RETRY_AFTER } };
      const description = each("error")
        .enum.map((code) => `\`${code}\``)
        .join(", ");
      return [status, { description, ...retry, content: { "application/json": { schema } } }];
    }),
  );
}

const RETRY_AFTER = { description: "Seconds after which to retry.", schema: { type: "integer", minimum: 1 } };

function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
