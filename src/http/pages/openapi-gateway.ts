import { catalogue, type Reason } from "../../errors.ts";
import type { Access } from "./openapi-access.ts";
import { type JsonSchema, object } from "./openapi-errors.ts";

const text = { type: "string" };
const textHeader = (description: string) => ({ description, schema: text });
const IDENTITY = {
  "X-Auth-Subject": textHeader("The subject; empty where a header cannot carry it."),
  "X-Auth-Client": textHeader("The client; empty where a header cannot carry it."),
  "X-Auth-Scope": textHeader("The scope; empty for none."),
  "X-Auth-Claims": textHeader("The claims: JSON in UTF-8, in base64url."),
};
const CHALLENGE = { "WWW-Authenticate": textHeader("The challenge (RFC 6750 §3).") };
const RETRY = {
  "Retry-After": { description: "Seconds after which to retry.", schema: { type: "integer", minimum: 1 } },
};

/** The reasons of a refusal, by status. */
const REFUSALS: Record<number, readonly Reason[]> = {
  400: ["malformed_request", "invalid_request"],
  401: ["invalid_token", "token_expired", "not_yet_valid", "wrong_issuer", "wrong_audience", "token_revoked"],
  403: ["insufficient_scope"],
  429: ["rate_limited"],
  503: ["verifier_stale"],
};

/** Describes `GET /verify`, which is beside the procedures. Its token is what it verifies, and gives no access. */
export const gatewayPath = ({ open }: Access): JsonSchema => ({
  // Relative to the document.
  servers: [{ url: "." }],
  get: {
    operationId: "verify",
    tags: ["gateways"],
    summary: "Verify the bearer token of a request",
    description:
      "For gateways, such as auth_request of nginx. Reads the token from `Authorization: Bearer`, and answers with the identity in headers and no body.",
    // Not a parameter: OpenAPI ignores one named Authorization.
    ...(!open && { security: [{ token: [] }] }),
    parameters: [
      {
        name: "audience",
        in: "query",
        description:
          "The audience that the token must have; if repeated, any of them. Default: the configured audience.",
        schema: { type: "array", items: text, maxItems: 16 },
      },
      { name: "scope", in: "query", description: "Scope tokens, separated by spaces.", schema: text },
    ],
    responses: { 200: { description: "OK", headers: IDENTITY }, ...describeRefusals() },
  },
});

function describeRefusals(): JsonSchema {
  return Object.fromEntries(
    Object.entries(REFUSALS).map(([status, reasons]) => {
      const headers = Number(status) < 429 ? CHALLENGE : RETRY;
      const schema = object({
        error_description: text,
        reason: { ...text, enum: reasons },
      });
      const properties = { error: { ...text, enum: [...new Set(reasons.map((reason) => catalogue[reason].oauth))] } };
      const body = { ...schema, properties: { ...properties, ...(schema.properties as JsonSchema) } };
      return [status, { description: reasons.join(", "), headers, content: { "application/json": { schema: body } } }];
    }),
  );
}
