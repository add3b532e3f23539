import { z } from "zod";
import type { MintmarkError, Reason } from "../errors.ts";
import { METADATA_PATH, OPENID_METADATA_PATH } from "./metadata.ts";
import { PATHS } from "./paths.ts";
import { registrationErrorOf } from "./registration-endpoint.ts";

/** An endpoint of a standard that programs call or send browsers to, for the description of the API. */
export type DescribedEndpoint = {
  path: string;
  method: "get" | "post";
  summary: string;
  standard: string;
  /** Whose credentials it takes. `anyClient`: also the id of a public client, which proves nothing. */
  caller: "client" | "anyClient" | "token" | "nobody";
  /** The form of POST, or the query of GET. */
  parameters?: z.ZodObject;
  /** JSON, a body without content, or a redirect or page for a browser. */
  answer: z.ZodType | "empty" | "browser";
  /** Whether the parameters are a JSON document, which the endpoint answers by 201. Default false. */
  isDocument?: boolean;
  /** Default: that of RFC 6749. */
  errorOf?: (error: MintmarkError) => string;
  /** A reason, or with the parameter that it is about. */
  errors: readonly (Reason | readonly [Reason, string])[];
};

const said = (description: string) => z.string().describe(description);
const maybe = (description: string) => said(description).optional();

/** RFC 6749 §2.3, RFC 7523 §2.2: instead of the `Authorization` header. */
const CREDENTIALS = {
  client_id: maybe("The client, unless its credentials are in the `Authorization` header."),
  client_secret: maybe("Its secret, for `client_secret_post`."),
  client_assertion_type: maybe("For `private_key_jwt`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`."),
  client_assertion: maybe("A JWT that the client has signed: `iss` and `sub` are its id, `aud` is the issuer."),
};
const SCOPE = maybe("Scope tokens, separated by spaces.");
const RESOURCE = z.array(z.string()).optional().describe("Audiences of the token (RFC 8707).");
const TOKEN = { token: said("An access token or a refresh token."), ...CREDENTIALS };

/** Of endpoints that authenticate a client. */
const ERRORS = [
  ...(["invalid_request", "invalid_client", "forbidden_origin", "payload_too_large"] as const),
  ...(["too_many_attempts", "rate_limited", "unavailable", "internal_error"] as const),
];

const document = (path: string, what: { summary: string; standard: string }): DescribedEndpoint => ({
  ...{ path, method: "get", caller: "nobody", answer: z.looseObject({}), errors: [] },
  ...what,
});

/** The endpoints by the member of the metadata that names them. Those that it does not name do not work. */
const ENDPOINTS: Record<string, (grantTypes: readonly string[]) => DescribedEndpoint> = {
  issuer: () => document(METADATA_PATH, { summary: "Read where everything is", standard: "RFC 8414" }),
  jwks_uri: () => document("/.well-known/jwks.json", { summary: "Read the public keys", standard: "RFC 7517 §5" }),
  token_endpoint: (grantTypes) => ({
    ...{ path: PATHS.token, method: "post", caller: "anyClient", standard: "RFC 6749 §3.2" },
    summary: "Get tokens",
    parameters: z.object({
      grant_type: z.enum(grantTypes),
      scope: SCOPE,
      resource: RESOURCE,
      refresh_token: maybe("For `refresh_token`."),
      ...(signsIn(grantTypes) && {
        code: maybe("For `authorization_code`."),
        redirect_uri: maybe("For `authorization_code`: as in the authorization request."),
        code_verifier: maybe("For `authorization_code` (RFC 7636 §4.5)."),
        device_code: maybe("For `urn:ietf:params:oauth:grant-type:device_code`."),
      }),
      ...CREDENTIALS,
    }),
    answer: z.object({
      access_token: z.string(),
      token_type: z.literal("Bearer"),
      expires_in: z.int().describe("In seconds."),
      scope: z.string().optional(),
      refresh_token: z.string().optional(),
      id_token: z.string().optional(),
    }),
    errors: [
      ...ERRORS,
      ...(["unsupported_grant_type", "permission_denied", "invalid_refresh_token", "invalid_target"] as const),
      ["permission_denied", "scope"],
      ...(signsIn(grantTypes) ? OF_PEOPLE : []),
    ],
  }),
  introspection_endpoint: () => ({
    ...{ path: PATHS.introspect, method: "post", caller: "client", standard: "RFC 7662" },
    summary: "Introspect a token",
    parameters: z.object(TOKEN),
    answer: z.looseObject({ active: z.boolean() }),
    errors: ERRORS,
  }),
  revocation_endpoint: () => ({
    ...{ path: PATHS.revoke, method: "post", caller: "anyClient", standard: "RFC 7009" },
    summary: "Revoke a token",
    parameters: z.object({ ...TOKEN, token_type_hint: maybe("Has no effect.") }),
    answer: "empty",
    errors: ERRORS,
  }),
  authorization_endpoint: () => ({
    ...{ path: PATHS.authorize, method: "get", caller: "nobody", standard: "RFC 6749 §3.1" },
    summary: "Sign a person in",
    parameters: z.object({
      client_id: z.string(),
      redirect_uri: said("As registered for the client."),
      response_type: z.literal("code"),
      code_challenge: said("SHA-256 of the code verifier, base64url (RFC 7636 §4.2)."),
      code_challenge_method: z.literal("S256"),
      state: maybe("Returned as it is."),
      scope: SCOPE,
      resource: RESOURCE,
      nonce: maybe("A claim of the `id_token`."),
      prompt: maybe("`none`, or `login`, `consent` and `select_account`."),
      max_age: maybe("In seconds since the last sign-in."),
      login_hint: maybe("Whom to propose."),
      response_mode: z.enum(["query", "form_post"]).optional(),
    }),
    answer: "browser",
    errors: [],
  }),
  device_authorization_endpoint: () => ({
    ...{ path: PATHS.deviceAuthorization, method: "post", caller: "anyClient", standard: "RFC 8628 §3.1" },
    summary: "Begin the sign-in of a device",
    parameters: z.object({ scope: SCOPE, resource: RESOURCE, ...CREDENTIALS }),
    answer: z.object({
      ...{ device_code: z.string(), user_code: z.string(), verification_uri: z.string() },
      ...{ verification_uri_complete: z.string(), expires_in: z.int(), interval: z.int() },
    }),
    errors: [...ERRORS, "permission_denied", "invalid_target", ["permission_denied", "scope"]],
  }),
  userinfo_endpoint: () => ({
    ...{ path: PATHS.userinfo, method: "get", caller: "token", standard: "OpenID Connect Core §5.3" },
    summary: "Read what a person agreed to share",
    answer: z.looseObject({ sub: z.string() }),
    errors: [
      ...(["malformed_request", "invalid_token", "token_expired", "token_revoked", "wrong_audience"] as const),
      ...(["insufficient_scope", "forbidden_origin", "rate_limited", "unavailable", "internal_error"] as const),
    ],
  }),
  registration_endpoint: () => ({
    ...{ path: PATHS.register, method: "post", caller: "nobody", standard: "RFC 7591 §3" },
    summary: "Register a public client",
    parameters: z.looseObject({
      redirect_uris: z.array(z.string()).describe("Where people return to after their sign-in."),
      client_name: maybe("For people."),
      grant_types: z.array(z.string()).optional().describe("`authorization_code`, and `refresh_token`."),
      response_types: z.array(z.string()).optional().describe("`code`."),
      token_endpoint_auth_method: z.literal("none").optional(),
      post_logout_redirect_uris: z.array(z.string()).optional().describe("Where people return to after logout."),
    }),
    answer: z.looseObject({
      ...{ client_id: z.string(), client_id_issued_at: z.int(), client_name: z.string() },
      ...{ redirect_uris: z.array(z.string()), grant_types: z.array(z.string()) },
      ...{ response_types: z.array(z.string()), token_endpoint_auth_method: z.literal("none") },
    }),
    isDocument: true,
    errorOf: registrationErrorOf,
    errors: [
      ["invalid_request", "redirect_uris"],
      ...(["invalid_request", "payload_too_large", "rate_limited", "unavailable", "internal_error"] as const),
    ],
  }),
  end_session_endpoint: () => ({
    ...{ path: PATHS.logout, method: "get", caller: "nobody", standard: "OpenID Connect RP-Initiated Logout §2" },
    summary: "Sign a person out",
    parameters: z.object({
      id_token_hint: maybe("The `id_token` of the session: without it, a page asks the person."),
      client_id: maybe("The client, without a hint."),
      post_logout_redirect_uri: maybe("As registered for the client."),
      state: maybe("Returned as it is."),
    }),
    answer: "browser",
    errors: [],
  }),
  claims_supported: () =>
    document(OPENID_METADATA_PATH, { summary: "Read the same, for OpenID Connect", standard: "Discovery §4" }),
};

const OF_PEOPLE = [
  "invalid_code",
  "authorization_pending",
  "slow_down",
  "access_denied",
  "expired_device_code",
] as const;

function signsIn(grantTypes: readonly string[]): boolean {
  return grantTypes.includes("authorization_code");
}

/** The endpoints that work, by the metadata. */
export function describedEndpoints(metadata: { grant_types_supported: readonly string[] }): DescribedEndpoint[] {
  const named = Object.entries(ENDPOINTS).filter(([member]) => Object.hasOwn(metadata, member));
  return named.map(([, endpoint]) => endpoint(metadata.grant_types_supported));
}
